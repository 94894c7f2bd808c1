"""What injection adds: to which place, from which Secret, merged with what stands there; and what it leaves alone."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import worked
from tests.injecting import ASKS, SECRET, VOLUME_NAME, injected, lines, mutation, opted, pod, reading, rule, verdict
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.model.finding import Severity
from webhook.view import Snapshot

VOLUME = {"name": VOLUME_NAME, "secret": {"secretName": SECRET}}
MOUNT = {"name": VOLUME_NAME, "mountPath": "/etc/mtlsfiles", "readOnly": True}


def read(made: Mapping[str, Any], name: str) -> Any:
    """The value of an annotation of the Pod."""
    return json.loads(made["metadata"]["annotations"][name])


def test_one_annotation_is_enough_for_a_chain_without_a_finding() -> None:
    made = injected(pod(), worked.cluster())
    assert (read(made, USER_VOLUME), read(made, USER_VOLUME_MOUNT)) == ([VOLUME], [MOUNT])
    assert lines(verdict(made, worked.cluster())) == []


def test_the_patch_touches_the_two_annotations_and_nothing_else() -> None:
    prefix = "/metadata/annotations/sidecar.istio.io~1"
    operations = mutation(pod(), worked.cluster()).operations
    assert {(one["op"], one["path"]) for one in operations} == {
        ("add", f"{prefix}userVolume"),
        ("add", f"{prefix}userVolumeMount"),
    }


def test_a_template_is_patched_where_it_stands() -> None:
    operations = mutation(opted(), worked.cluster()).operations
    assert all(one["path"].startswith("/spec/template/metadata/annotations/") for one in operations)
    assert len(operations) == 2


def test_the_rule_may_name_the_secret_for_everyone() -> None:
    named = rule({}, annotations={"mtls-guard.io/client-secret": SECRET})
    view = worked.cluster(named, without=("DestinationRule",))
    made = injected(pod({"mtls-guard.io/inject": "true"}), view)
    assert read(made, USER_VOLUME_MOUNT) == [MOUNT]


def test_namespace_label_applies_unless_workload_declines() -> None:
    named = rule({}, annotations={"mtls-guard.io/client-secret": SECRET})
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "devel", "labels": LABELS}}
    view = worked.cluster(named, namespace, without=("DestinationRule", "Namespace"))
    assert read(injected(pod({}), view), USER_VOLUME_MOUNT) == [MOUNT]
    assert mutation(pod({"mtls-guard.io/inject": "false"}), view).operations == ()


LABELS = {"istio-injection": "enabled", "mtls-guard.io/inject": "true"}


def test_file_names_that_are_no_keys_become_items() -> None:
    view = worked.cluster(rule(reading("/etc/tls", "client.pem", "client.key", "cacert")), without=("DestinationRule",))
    made = injected(pod(), view)
    items = [
        {"key": "cert", "path": "client.pem"},
        {"key": "key", "path": "client.key"},
        {"key": "cacert", "path": "cacert"},
    ]
    (volume,) = read(made, USER_VOLUME)
    assert (volume["secret"], volume["name"] != VOLUME_NAME) == ({"secretName": SECRET, "items": items}, True)
    assert lines(verdict(made, view)) == []


FORMS: dict[str, tuple[str, str, Any, Any]] = {
    "a list": (
        '[{"name":"wasm","emptyDir":{}}]',
        '[{"name":"wasm","mountPath":"/wasm"}]',
        [{"name": "wasm", "emptyDir": {}}, VOLUME],
        [{"name": "wasm", "mountPath": "/wasm"}, MOUNT],
    ),
    "a map": (
        '{"wasm":{"emptyDir":{}}}',
        '{"wasm":{"mountPath":"/wasm"}}',
        {"wasm": {"emptyDir": {}}, VOLUME_NAME: {"secret": {"secretName": SECRET}}},
        {"wasm": {"mountPath": "/wasm"}, VOLUME_NAME: {"mountPath": "/etc/mtlsfiles", "readOnly": True}},
    ),
    "an empty list": ("[]", "[]", [VOLUME], [MOUNT]),
    "null": ("null", "null", [VOLUME], [MOUNT]),
    "the volume without its mount": (
        f'{{"{SECRET}":{{"secret":{{"secretName":"{SECRET}"}}}}}}',
        "[]",
        {SECRET: {"secret": {"secretName": SECRET}}, VOLUME_NAME: {"secret": {"secretName": SECRET}}},
        [MOUNT],
    ),
}


@pytest.mark.parametrize(("volumes", "mounts", "volumes_after", "mounts_after"), FORMS.values(), ids=FORMS)
def test_what_stands_in_the_annotations_is_kept_in_its_form(
    volumes: str, mounts: str, volumes_after: Any, mounts_after: Any
) -> None:
    made = injected(pod({**ASKS, USER_VOLUME: volumes, USER_VOLUME_MOUNT: mounts}), worked.cluster())
    assert read(made, USER_VOLUME) == volumes_after
    assert read(made, USER_VOLUME_MOUNT) == mounts_after


def test_two_rules_with_two_secrets_get_a_mount_each() -> None:
    view = two_rules("/etc/partner")
    made = injected(pod({"mtls-guard.io/inject": "true"}), view)
    assert [one["mountPath"] for one in read(made, USER_VOLUME_MOUNT)] == ["/etc/mtlsfiles", "/etc/partner"]
    assert lines(verdict(made, view)) == []


def test_two_secrets_in_one_directory_are_projected() -> None:
    view = two_rules("/etc/mtlsfiles", "partner-cert", "partner-key", "partner-ca")
    made = injected(pod({"mtls-guard.io/inject": "true"}), view)
    (volume,) = read(made, USER_VOLUME)
    assert [one["secret"]["name"] for one in volume["projected"]["sources"]] == [SECRET, "partner"]
    assert lines(verdict(made, view)) == []


def two_rules(directory: str, *names: str) -> Snapshot:
    """The worked example with its Secret named by its rule, and a second rule with another Secret."""
    first = rule({}, annotations={"mtls-guard.io/client-secret": SECRET})
    second = rule(reading(directory, *names), "partner", annotations={"mtls-guard.io/client-secret": "partner"})
    second["spec"]["host"] = "partner.example.com"
    entry = json.loads(json.dumps(worked.of_kind("ServiceEntry")))
    entry["metadata"]["name"], entry["spec"]["hosts"] = "partner", ["partner.example.com"]
    route = json.loads(
        json.dumps(worked.of_kind("VirtualService")).replace("external.system.com", "partner.example.com")
    )
    route["metadata"]["name"] = "partner"
    secret = {**worked.of_kind("Secret"), "metadata": {"name": "partner", "namespace": "devel"}}
    return worked.cluster(first, second, entry, route, secret, without=("DestinationRule",))


def test_a_gateway_gets_its_volumes_in_the_pod_spec() -> None:
    asked = pod({**ASKS, "inject.istio.io/templates": "gateway"}, containers=[{"name": "istio-proxy", "image": "auto"}])
    made = injected(asked, worked.cluster())
    assert made["spec"]["volumes"] == [VOLUME]
    assert made["spec"]["containers"] == [{"name": "istio-proxy", "image": "auto", "volumeMounts": [MOUNT]}]
    assert USER_VOLUME not in made["metadata"]["annotations"]
    assert made["metadata"]["annotations"]["mtls-guard.io/injected"] == f"{VOLUME_NAME}:/etc/mtlsfiles"
    assert lines(verdict(made, worked.cluster())) == []


@pytest.mark.parametrize("own", [{"secret": {"secretName": SECRET}}, {"emptyDir": {}}], ids=["same Secret", "other"])
def test_application_volume_with_same_name_stays(own: dict[str, Any]) -> None:
    volume = {"name": SECRET, **own}
    made = injected(pod(volumes=[volume]), worked.cluster())
    assert made["spec"]["volumes"] == [volume]
    assert (read(made, USER_VOLUME), read(made, USER_VOLUME_MOUNT)) == ([VOLUME], [MOUNT])
    assert lines(verdict(made, worked.cluster())) == []


LEFT_ALONE: dict[str, tuple[dict[str, Any], str]] = {
    "JSON that does not parse": (pod({**ASKS, USER_VOLUME: '[{"name":"a",}]'}), "annotation-not-json"),
    "a mount without a volume": (
        pod({**ASKS, USER_VOLUME_MOUNT: '[{"name":"lost","mountPath":"/etc/mtlsfiles"}]'}),
        "mount-without-volume",
    ),
    "an annotation of 200 KB and another": (
        pod({**ASKS, "example.com/notes": "x" * 262_000}),
        "injection-impossible",
    ),
}


@pytest.mark.parametrize(("manifest", "said"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_impossible_injection_is_left_to_validation(manifest: dict[str, Any], said: str) -> None:
    assert mutation(manifest, worked.cluster()).operations == ()
    denied = {one.rule for one in verdict(manifest, worked.cluster()).findings if one.severity is Severity.DENY}
    assert denied == {said}


def test_a_broken_annotation_of_200_kilobytes_is_left_alone() -> None:
    manifest = pod({**ASKS, USER_VOLUME: "[" * 200_000})
    assert mutation(manifest, worked.cluster()).operations == ()
    assert [one.rule for one in verdict(manifest, worked.cluster()).findings] == ["annotation-not-json"]


def test_conflicting_secrets_for_one_path_are_both_named() -> None:
    """Both are of another namespace: the second never ends the injection for the first."""
    view = two_rules("/etc/mtlsfiles")
    manifest = pod({"mtls-guard.io/inject": "true"})
    assert read(injected(manifest, view), USER_VOLUME) == [VOLUME]
    (line,) = [line for line in lines(verdict(manifest, view)) if line.endswith("[injection-impossible]")]
    assert line == (
        'warn metadata.annotations["mtls-guard.io/client-secret"]: DestinationRule project/external-system-dest-rule'
        f" and DestinationRule project/partner read /etc/mtlsfiles/cert and name different Secrets: {SECRET}, partner; "
        "let all but one of them read from another directory than /etc/mtlsfiles [injection-impossible]"
    )


def test_a_template_is_judged_as_it_will_be_once_injected() -> None:
    assert lines(verdict(opted(), worked.cluster())) == []


def test_only_created_or_changed_workloads_are_mutated() -> None:
    view = worked.cluster()
    assert mutation(worked.of_kind("Secret"), view).operations == ()
    assert mutation(pod(), view, "DELETE").operations == ()
    assert mutation(pod({}), view).operations == ()


NAMES = st.sampled_from([("cert", "key", "cacert"), ("tls.crt", "tls.key", "ca.crt"), ("client.pem", "key", "ca.pem")])
DIRECTORIES = st.sampled_from(
    ["/etc/mtlsfiles", "/etc/certs", "/etc/istio/egress", "/etc", "/var/run/secrets/tls", "/x//y"]
)
VOLUMES = st.sampled_from(
    [
        None,
        "[]",
        "null",
        '{"wasm":{"emptyDir":{}}}',
        '[{"name":"wasm","emptyDir":{}}]',
        json.dumps([VOLUME]),
        '[{"x":1}]',
    ]
)
MOUNTS = st.sampled_from(
    [None, "{}", '{"wasm":{"mountPath":"/wasm"}}', json.dumps([MOUNT]), '[{"mountPath":"/etc/mtlsfiles/sub"}]', "[1]"]
)
SPECS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"volumes": [VOLUME]}, {"volumes": [{"name": SECRET, "emptyDir": {}}]}, {"hostNetwork": True}]
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[str, Any], Snapshot]:
    """A Pod that opts in, and a cluster around it."""
    texts = {USER_VOLUME: draw(VOLUMES), USER_VOLUME_MOUNT: draw(MOUNTS)}
    templates = draw(st.sampled_from([{}, {"inject.istio.io/templates": "gateway"}]))
    manifest = pod({**ASKS, **templates, **{name: text for name, text in texts.items() if text}}, **draw(SPECS))
    chosen = rule(reading(draw(DIRECTORIES), *draw(NAMES)))
    return manifest, worked.cluster(chosen, without=("DestinationRule",))


@given(situations())
def test_injecting_twice_changes_nothing_the_second_time(situation: tuple[dict[str, Any], Snapshot]) -> None:
    manifest, view = situation
    assert mutation(injected(manifest, view), view).operations == ()


@given(situations())
def test_what_is_injected_is_what_validation_judged(situation: tuple[dict[str, Any], Snapshot]) -> None:
    """The verdict on the Pod after the patch is that on the Pod before it, places in the pod spec aside."""
    manifest, view = situation
    before, after = verdict(manifest, view), verdict(injected(manifest, view), view)
    assert [(one.rule, one.severity) for one in after.findings] == [(one.rule, one.severity) for one in before.findings]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON), JSON, JSON)
def test_no_shape_of_a_pod_raises(odd: dict[str, Any], annotations: Any, containers: Any) -> None:
    manifest = pod() | odd
    manifest["metadata"] = {"name": "web", "namespace": "devel", "annotations": annotations or ASKS}
    if isinstance(manifest.get("spec"), dict):
        manifest["spec"]["containers"] = containers
    mutation(manifest, worked.cluster())
