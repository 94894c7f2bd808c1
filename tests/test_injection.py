"""Whether a pod gets a sidecar: the webhook's selectors, istiod's decision, templates, manual injection."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.istio.injector.decision import decide_injection
from webhook.istio.injector.label_selectors import selects
from webhook.model.chain import Answer, Injection
from webhook.model.mesh import Mesh, Namespace
from webhook.model.workload import Container, PodTemplate

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
INJECT, REV = "sidecar.istio.io/inject", "istio.io/rev"
ENABLED = {"istio-injection": "enabled"}
LABEL_PATH = 'spec.template.metadata.labels["sidecar.istio.io/inject"]'
ANNOTATION_PATH = 'spec.template.metadata.annotations["sidecar.istio.io/inject"]'


def pod(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **fields: Any) -> PodTemplate:
    """A pod template with these labels and annotations."""
    return PodTemplate("spec.template", labels or {}, annotations or {}, **fields)


def answer(one: PodTemplate, labels: dict[str, str], mesh: Mesh | None = None, name: str = "devel") -> Answer:
    """The answer for a namespace with these labels."""
    return decide_injection(one, Namespace(name, labels), mesh or Mesh()).answer


@pytest.mark.parametrize(
    ("namespace", "labels", "expected"),
    [
        (ENABLED, {}, YES),
        ({"istio-injection": "disabled"}, {INJECT: "true"}, NO),
        ({"istio-injection": "Enabled"}, {INJECT: "true"}, NO),
        ({"istio-injection": "true"}, {}, NO),
        ({**ENABLED, REV: "unheard-of"}, {REV: "canary"}, YES),
        ({REV: "canary"}, {}, YES),
        ({REV: "unheard-of"}, {REV: "canary"}, UNKNOWN),
        ({REV: "canary"}, {INJECT: "false"}, NO),
        ({}, {}, NO),
        ({}, {INJECT: "true"}, YES),
        ({}, {REV: "canary"}, YES),
        ({}, {REV: "unheard-of"}, UNKNOWN),
        ({}, {REV: "canary", INJECT: "true"}, YES),
        ({}, {REV: "canary", INJECT: "false"}, NO),
        ({}, {INJECT: "True"}, NO),
        ({}, {INJECT: "yes"}, NO),
        ({}, {INJECT: ""}, NO),
        (ENABLED, {INJECT: "True"}, YES),
        (ENABLED, {INJECT: "False"}, YES),
        (ENABLED, {INJECT: ""}, YES),
        (ENABLED, {INJECT: "false"}, NO),
    ],
)
def test_the_selectors_of_the_webhook_match_labels_exactly(
    namespace: dict[str, str], labels: dict[str, str], expected: Answer
) -> None:
    assert answer(pod(labels), namespace, Mesh(revisions=frozenset(("default", "canary")))) is expected


@pytest.mark.parametrize(
    ("revisions", "namespace", "expected"),
    [
        (None, ENABLED, YES),
        (None, {REV: "canary"}, UNKNOWN),
        (frozenset(("canary",)), ENABLED, UNKNOWN),
        (frozenset(("canary",)), {REV: "canary"}, YES),
    ],
)
def test_a_revision_counts_only_where_its_injector_is_known(
    revisions: frozenset[str] | None, namespace: dict[str, str], expected: Answer
) -> None:
    assert answer(pod(), namespace, Mesh(revisions=revisions)) is expected


@pytest.mark.parametrize(
    ("namespace", "labels", "expected"),
    [
        ("devel", {}, YES),
        ("kube-system", {}, NO),
        ("devel", {INJECT: "yes"}, NO),
        ("devel", {REV: "canary"}, UNKNOWN),
    ],
)
def test_a_mesh_may_inject_unlabelled_namespaces_by_default(
    namespace: str, labels: dict[str, str], expected: Answer
) -> None:
    assert answer(pod(labels), {}, Mesh(enable_namespaces_by_default=True), namespace) is expected


@pytest.mark.parametrize(
    ("labels", "annotations", "expected"),
    [
        ({}, {INJECT: "false"}, NO),
        ({}, {INJECT: "true"}, YES),
        ({}, {INJECT: "nonsense"}, YES),
        ({INJECT: ""}, {INJECT: "false"}, YES),
        ({INJECT: "true"}, {INJECT: "false"}, YES),
    ],
)
def test_istiod_asks_the_label_first_and_the_annotation_after(
    labels: dict[str, str], annotations: dict[str, str], expected: Answer
) -> None:
    assert answer(pod(labels, annotations), ENABLED) is expected


LACKS = "namespace devel has no label istio-injection=enabled and the pod no label sidecar.istio.io/inject=true"
AMBIENT = "it is in ambient mode, where no DestinationRule applies without a waypoint"
NEVER = ({"matchLabels": {"batch": "yes"}},)
ALWAYS = ({"matchExpressions": [{"key": "mesh", "operator": "Exists"}]},)


@pytest.mark.parametrize(
    ("mesh", "labels", "expected"),
    [
        (Mesh(never_inject=NEVER), {"batch": "yes"}, NO),
        (Mesh(never_inject=NEVER), {"batch": "no"}, YES),
        (Mesh(never_inject=NEVER), {"batch": "yes", INJECT: "true"}, YES),
        (Mesh(never_inject=({},)), {"batch": "yes"}, YES),
        (Mesh(inject_policy="disabled"), {}, NO),
        (Mesh(inject_policy="disabled"), {INJECT: "true"}, YES),
        (Mesh(inject_policy="disabled", always_inject=ALWAYS), {"mesh": ""}, YES),
        (Mesh(inject_policy="disabled", always_inject=ALWAYS, never_inject=NEVER), {"mesh": "", "batch": "yes"}, NO),
        (Mesh(inject_policy="off"), {INJECT: "true"}, NO),
    ],
)
def test_mesh_selectors_and_policy_decide_without_pod_setting(
    mesh: Mesh, labels: dict[str, str], expected: Answer
) -> None:
    assert answer(pod(labels), ENABLED, mesh) is expected


@pytest.mark.parametrize(
    ("expression", "labels", "expected"),
    [
        ({"key": "a", "operator": "In", "values": ["x"]}, {"a": "x"}, True),
        ({"key": "a", "operator": "In", "values": ["x"]}, {}, False),
        ({"key": "a", "operator": "NotIn", "values": ["x"]}, {}, True),
        ({"key": "a", "operator": "NotIn", "values": ["x"]}, {"a": "x"}, False),
        ({"key": "a", "operator": "DoesNotExist"}, {}, True),
        ({"key": "a", "operator": "Exists"}, {}, False),
        ({"key": "a", "operator": "Near"}, {"a": "x"}, False),
        (None, {}, False),
    ],
)
def test_a_selector_matches_as_kubernetes_does(expression: object, labels: dict[str, str], expected: bool) -> None:
    assert selects({"matchExpressions": [expression]}, labels) == expected


@pytest.mark.parametrize(
    ("one", "namespace", "expected"),
    [
        (pod(), Namespace("devel", ENABLED), (YES, "namespace devel has the label istio-injection=enabled", "")),
        (
            pod(),
            Namespace("devel"),
            (NO, LACKS, ""),
        ),
        (
            pod(annotations={INJECT: "true"}),
            Namespace("devel"),
            (NO, f"{LACKS} (the annotation of that name does not ask for a sidecar)", ""),
        ),
        (
            pod({INJECT: "false"}),
            Namespace("devel", ENABLED),
            (NO, 'the pod label sidecar.istio.io/inject is "false"', LABEL_PATH),
        ),
        (
            pod(annotations={INJECT: "false"}),
            Namespace("devel", ENABLED),
            (NO, 'the pod annotation sidecar.istio.io/inject is "false"', ANNOTATION_PATH),
        ),
        (
            pod(host_network=True),
            Namespace("devel", ENABLED),
            (NO, "hostNetwork is true, and such pods are never injected", "spec.template.spec.hostNetwork"),
        ),
        (pod(), Namespace("kube-system", ENABLED), (NO, "namespace kube-system is never injected", "")),
        (
            pod(),
            Namespace("devel", {"istio-injection": "disabled", "istio.io/dataplane-mode": "ambient"}),
            (NO, f"namespace devel has the label istio-injection=disabled; {AMBIENT}", ""),
        ),
    ],
)
def test_finding_names_reason_and_deciding_path(
    one: PodTemplate, namespace: Namespace, expected: tuple[Answer, str, str]
) -> None:
    found = decide_injection(one, namespace, Mesh())
    assert (found.answer, found.reason, found.path) == expected


def test_a_namespace_of_both_modes_injects() -> None:
    assert answer(pod(), {**ENABLED, "istio.io/dataplane-mode": "ambient"}) is YES


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pod(), UNKNOWN),
        (pod({INJECT: "true"}), YES),
        (pod({REV: "canary"}), YES),
        (pod(annotations={INJECT: "true"}), YES),
        (pod(annotations={"sidecar.istio.io/userVolume": "[]"}), YES),
        (pod(annotations={"sidecar.istio.io/userVolumeMount": "[]"}), YES),
        (pod(containers=(Container("istio-proxy", "auto"),)), YES),
        (pod({INJECT: "false"}, {"sidecar.istio.io/userVolume": "[]"}), NO),
        (pod(annotations={INJECT: "false", "sidecar.istio.io/userVolume": "[]"}), NO),
        (pod(host_network=True, annotations={"sidecar.istio.io/userVolume": "[]"}), NO),
    ],
)
def test_unknown_namespace_follows_the_pod(one: PodTemplate, expected: Answer) -> None:
    assert decide_injection(one, Namespace("devel", known=False), Mesh()).answer is expected


TEMPLATES = "inject.istio.io/templates"
SIDECAR = Injection(YES, "namespace devel has the label istio-injection=enabled")


GATEWAY = replace(SIDECAR, native=False, gateway=True, honours_annotations=False)


@pytest.mark.parametrize(
    ("written", "mesh", "expected"),
    [
        (None, Mesh(), SIDECAR),
        ("sidecar", Mesh(), SIDECAR),
        (" sidecar , own", Mesh(), replace(SIDECAR, templates=("sidecar", "own"))),
        ("grpc-agent", Mesh(), replace(SIDECAR, templates=("grpc-agent",), native=False)),
        (
            "grpc-simple",
            Mesh(),
            Injection(
                NO,
                "the injection template grpc-simple adds no proxy",
                f'spec.template.metadata.annotations["{TEMPLATES}"]',
                ("grpc-simple",),
                native=False,
                honours_annotations=False,
            ),
        ),
        ("gateway", Mesh(), replace(GATEWAY, templates=("gateway",))),
        ("gateway", Mesh(native_sidecars=True), replace(GATEWAY, templates=("gateway",))),
        ("waypoint", Mesh(), replace(GATEWAY, templates=("waypoint",))),
        ("edge", Mesh(aliases={"edge": ("sidecar", "own")}), replace(SIDECAR, templates=("sidecar", "own"))),
        (None, Mesh(default_templates=("sidecar", "own")), replace(SIDECAR, templates=("sidecar", "own"))),
        (
            "own",
            Mesh(),
            Injection(
                UNKNOWN,
                "the injection template own is not one of Istio's",
                f'spec.template.metadata.annotations["{TEMPLATES}"]',
                ("own",),
            ),
        ),
        (
            "sidecar,typo",
            Mesh(templates=frozenset(("sidecar",))),
            replace(SIDECAR, templates=("sidecar", "typo"), refused='requested template "typo" not found'),
        ),
        (
            "sidecar,gateway",
            Mesh(native_sidecars=True),
            replace(
                GATEWAY,
                templates=("sidecar", "gateway"),
                native=True,
                honours_annotations=True,
                refused="templates sidecar and gateway make an istio-proxy each, one of them under initContainers",
            ),
        ),
        ("sidecar,", Mesh(), replace(SIDECAR, templates=("sidecar", ""), refused='requested template "" not found')),
    ],
)
def test_templates_decide_what_is_honoured_and_what_is_refused(
    written: str | None, mesh: Mesh, expected: Injection
) -> None:
    one = pod(annotations={} if written is None else {TEMPLATES: written})
    assert decide_injection(one, Namespace("devel", ENABLED), mesh) == expected


NATIVE = "sidecar.istio.io/nativeSidecar"


@pytest.mark.parametrize(
    ("written", "mesh", "expected"),
    [
        (None, None, None),
        (None, True, True),
        ("true", False, True),
        ("false", True, False),
        ("False", False, True),
        ("", True, True),
    ],
)
def test_a_native_sidecar_is_asked_for_by_any_text_but_false(
    written: str | None, mesh: bool | None, expected: bool | None
) -> None:
    one = pod(annotations={} if written is None else {NATIVE: written})
    assert decide_injection(one, Namespace("devel", ENABLED), Mesh(native_sidecars=mesh)).native == expected


MANUAL = Injection(
    YES,
    "the manifest already holds the sidecar istio-proxy",
    "here",
    native=False,
    honours_annotations=False,
    manual=True,
)
PROXY = Container("istio-proxy", "docker.io/istio/proxyv2:1.31.0", path="here", args=("proxy", "sidecar"))
STATUS = {"sidecar.istio.io/status": "{}"}


@pytest.mark.parametrize(
    ("container", "annotations", "labels", "expected"),
    [
        (PROXY, STATUS, ENABLED, MANUAL),
        (PROXY, {}, {}, MANUAL),
        (PROXY, {INJECT: "false"}, ENABLED, MANUAL),
        (replace(PROXY, init=True), STATUS, ENABLED, replace(MANUAL, native=True)),
        (replace(PROXY, args=("proxy", "router")), {}, {}, replace(MANUAL, gateway=True)),
        (PROXY, {}, ENABLED, SIDECAR),
        (replace(PROXY, image="auto"), STATUS, ENABLED, SIDECAR),
    ],
)
def test_manifest_sidecar_is_manual_unless_injected_too(
    container: Container, annotations: dict[str, str], labels: dict[str, str], expected: Injection
) -> None:
    one = pod(annotations=annotations, containers=(container,))
    assert decide_injection(one, Namespace("devel", labels), Mesh()) == expected


def test_image_auto_alone_makes_no_sidecar() -> None:
    assert answer(pod(containers=(replace(PROXY, image="auto"),)), {}) is NO


def test_the_status_annotation_alone_makes_no_sidecar() -> None:
    assert answer(pod(annotations=STATUS), {}) is NO


def test_open_shift_namespaces_are_marked() -> None:
    namespace = Namespace("devel", ENABLED, {"openshift.io/sa.scc.uid-range": "1000/10"})
    assert decide_injection(pod(), namespace, Mesh()) == replace(SIDECAR, open_shift=True)


TEXTS = st.dictionaries(
    st.sampled_from((INJECT, REV, "istio-injection", TEMPLATES, NATIVE, "sidecar.istio.io/status", "a")),
    st.sampled_from(("true", "false", "enabled", "", "gateway", "a,b", "ambient")) | st.text(max_size=5),
)


@given(TEXTS, TEXTS, TEXTS, st.booleans())
def test_every_pod_gets_the_same_answer_twice_and_a_reason(
    labels: dict[str, str], annotations: dict[str, str], namespace: dict[str, str], known: bool
) -> None:
    one, held = pod(labels, annotations), Namespace("devel", namespace, known=known)
    found = decide_injection(one, held, Mesh())
    assert (decide_injection(one, held, Mesh()), found.reason != "") == (found, True)
