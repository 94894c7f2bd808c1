"""What the engine answers to requests of each operation and kind, and what becomes of what rules yield."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worked import Object, ask, cluster, deployment, of_kind
from webhook.engine.impact import JUDGED
from webhook.engine.runner import hits, weigh
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict, Violation
from webhook.model.rule import Rule
from webhook.policy import Policy

MOUNT = 'spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"][0].mountPath'


def changed(manifest: Object, *path: str | int, to: Any) -> Any:
    """A copy of the object with another value at the path."""
    twin: Any = copy.deepcopy(dict(manifest))
    here = twin
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = to
    return twin


def mounting(path: str) -> Any:
    """The worked example's Deployment with another mountPath."""
    text = f'[{{"mountPath":"{path}","name":"external-system-mtls-data"}}]'
    annotations = ("spec", "template", "metadata", "annotations")
    return changed(deployment(), *annotations, "sidecar.istio.io/userVolumeMount", to=text)


def with_tls(**fields: Any) -> Any:
    """The worked example's DestinationRule with other fields in its tls block; None takes one away."""
    rule = of_kind("DestinationRule")
    path = ("spec", "trafficPolicy", "portLevelSettings", 0, "tls")
    tls = {**rule["spec"]["trafficPolicy"]["portLevelSettings"][0]["tls"], **fields}
    return changed(rule, *path, to={key: value for key, value in tls.items() if value is not None})


def moved(directory: str) -> Any:
    """The worked example's DestinationRule with its files in another directory."""
    return with_tls(
        clientCertificate=f"{directory}/cert", privateKey=f"{directory}/key", caCertificates=f"{directory}/cacert"
    )


def said(verdict: Verdict) -> list[str]:
    """Severity, rule and place of each finding."""
    return [f"{one.severity} {one.rule} {one.object.kind} {one.path}".rstrip() for one in verdict.findings]


def test_creating_a_good_workload_is_allowed() -> None:
    assert said(ask(cluster(without=("Deployment",)), "CREATE", deployment())) == []


def test_creating_a_broken_workload_is_denied() -> None:
    verdict = ask(cluster(without=("Deployment",)), "CREATE", mounting("/etc/mtls"))
    assert said(verdict) == [f"deny file-not-mounted Deployment {MOUNT}"]


def test_an_update_that_brings_a_fault_is_denied() -> None:
    verdict = ask(cluster(), "UPDATE", mounting("/etc/mtls"), deployment())
    assert said(verdict) == [f"deny file-not-mounted Deployment {MOUNT}"]


def test_an_update_that_keeps_a_fault_is_warned_of() -> None:
    old = mounting("/etc/mtls")
    verdict = ask(cluster(old), "UPDATE", changed(old, "spec", "replicas", to=3), old)
    assert said(verdict) == [f"warn file-not-mounted Deployment {MOUNT}"]


def test_an_update_that_swaps_one_fault_for_another_is_denied() -> None:
    rejected = "sidecar.istio.io/userVolume"
    old = mounting("/etc/mtls")
    new = changed(deployment(), "spec", "template", "metadata", "annotations", rejected, to="[,]")
    verdict = ask(cluster(old), "UPDATE", new, old)
    assert [one.severity for one in verdict.findings] == [Severity.DENY]


def test_deleting_a_workload_is_allowed() -> None:
    assert said(ask(cluster(), "DELETE", mounting("/etc/mtls"))) == []


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_an_object_of_a_judged_controller_is_let_through(operation: str) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample-app", "uid": "1", "controller": True}
    made = changed({**mounting("/etc/mtls"), "kind": "ReplicaSet"}, "metadata", "ownerReferences", to=[owner])
    assert said(ask(cluster(), operation, made)) == []


@pytest.mark.parametrize(
    ("kind", "version", "owner"),
    [
        ("Deployment", "example.com/v1", "GameServer"),
        ("Deployment", "v1", "Pod"),
        ("Deployment", "apps/v1", "Deployment"),
        ("StatefulSet", "apps/v1", "ReplicaSet"),
        ("ReplicaSet", "apps.kruise.io/v1beta1", "Deployment"),
        ("ReplicaSet", "apps/v1", "StatefulSet"),
        ("ReplicaSet", "v1", "Deployment"),
    ],
)
def test_owner_that_does_not_create_the_object_is_ignored(kind: str, version: str, owner: str) -> None:
    owners = [{"apiVersion": version, "kind": owner, "name": "x", "uid": "1", "controller": True}]
    made = changed({**mounting("/etc/mtls"), "kind": kind}, "metadata", "ownerReferences", to=owners)
    assert said(ask(cluster(), "CREATE", made)) == [f"deny file-not-mounted {kind} {MOUNT}"]


@pytest.mark.parametrize(
    ("version", "owner"), [("apps.kruise.io/v1beta1", "StatefulSet"), ("batch.volcano.sh/v1", "Job")]
)
def test_a_pod_of_a_namesake_of_a_controller_is_judged(version: str, owner: str) -> None:
    """StatefulSets of kruise and Jobs of volcano are no kinds whose template was judged."""
    template = mounting("/etc/mtls")["spec"]["template"]
    owners = [{"apiVersion": version, "kind": owner, "name": "x", "uid": "1", "controller": True}]
    metadata = {**template["metadata"], "name": "sample-app", "namespace": "devel", "ownerReferences": owners}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    assert said(ask(cluster(), "CREATE", made)) == [f"deny file-not-mounted Pod {MOUNT.replace('spec.template.', '')}"]


@pytest.mark.parametrize("kind", ["Deployment", "DestinationRule", "Secret"])
def test_everything_passes_in_a_terminating_namespace(kind: str) -> None:
    leaving = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "deletionTimestamp": "2026-11-24T00:00:00Z"},
        }
        for name in ("devel", "project")
    ]
    broken = {"Deployment": mounting("/etc/mtls"), "DestinationRule": with_tls(mode="SIMPLE")}
    assert said(ask(cluster(*leaving), "CREATE", broken.get(kind, of_kind(kind)))) == []


@pytest.mark.parametrize("part", ["status", "scale", "exec"])
def test_subresources_pass(part: str) -> None:
    assert said(ask(cluster(), "UPDATE", mounting("/etc/mtls"), sub_resource=part)) == []


def test_an_object_on_its_way_out_passes() -> None:
    leaving = changed(mounting("/etc/mtls"), "metadata", "deletionTimestamp", to="2026-11-24T00:00:00Z")
    assert said(ask(cluster(), "UPDATE", leaving, deployment())) == []


def test_a_connection_passes() -> None:
    assert said(ask(cluster(), "CONNECT", mounting("/etc/mtls"))) == []


def test_a_namesake_of_another_group_is_none_of_our_business() -> None:
    other = {**with_tls(mode="SIMPLE"), "apiVersion": "example.com/v1"}
    assert said(ask(cluster(), "CREATE", other)) == []


@pytest.mark.parametrize("version", ["v1alpha3", "v1beta1", "v1"])
def test_a_rule_of_every_served_version_is_judged(version: str) -> None:
    rule = {**with_tls(mode="SIMPLE"), "apiVersion": f"networking.istio.io/{version}"}
    assert said(ask(cluster(without=("DestinationRule",)), "CREATE", rule)) == [
        "deny client-certificate-ignored DestinationRule spec.trafficPolicy.portLevelSettings[0].tls.mode"
    ]


def test_first_destinationrule_only_warns_of_later_objects() -> None:
    view = cluster(without=("ServiceEntry", "VirtualService", "DestinationRule"))
    assert said(ask(view, "CREATE", of_kind("DestinationRule"))) == ["warn host-unknown DestinationRule spec.host"]


def test_an_old_fault_of_a_rule_does_not_stop_its_update() -> None:
    old = with_tls(mode="SIMPLE")
    verdict = ask(cluster(old), "UPDATE", changed(old, "metadata", "labels", to={"team": "a"}), old)
    assert said(verdict) == [
        "warn client-certificate-ignored DestinationRule spec.trafficPolicy.portLevelSettings[0].tls.mode"
    ]


def test_old_destinationrule_comes_from_the_request() -> None:
    old = with_tls(mode="SIMPLE")
    verdict = ask(cluster(without=("DestinationRule",)), "UPDATE", old, old)
    assert [one.severity for one in verdict.findings] == [Severity.WARN]


def test_destinationrule_breaking_own_workload_is_denied() -> None:
    here = [changed(one, "metadata", "namespace", to="devel") for one in (of_kind("DestinationRule"), moved("/etc/x"))]
    verdict = ask(cluster(here[0], without=("DestinationRule",)), "UPDATE", here[1], here[0])
    assert said(verdict) == ["deny workload-broken-by-change DestinationRule"]


@pytest.mark.parametrize(
    ("operation", "new", "old"),
    [
        ("UPDATE", moved("/etc/x"), of_kind("DestinationRule")),
        ("DELETE", of_kind("DestinationRule"), None),
        ("DELETE", of_kind("ServiceEntry"), None),
        ("DELETE", of_kind("VirtualService"), None),
        ("DELETE", of_kind("Secret"), None),
        ("UPDATE", changed(of_kind("Secret"), "stringData", to={}), of_kind("Secret")),
    ],
    ids=lambda value: value if isinstance(value, str) else value["kind"] if value else "",
)
def test_a_change_that_breaks_others_is_warned_of(operation: str, new: Object, old: Object | None) -> None:
    new = {key: value for key, value in new.items() if not (key == "data" and operation == "UPDATE")}
    assert said(ask(cluster(), operation, new, old)) == [f"warn workload-broken-by-change {new['kind']}"]


def test_how_many_workloads_were_too_many_to_look_at_is_said() -> None:
    many = [changed(deployment(), "metadata", "name", to=f"app-{number}") for number in range(JUDGED + 2)]
    (found,) = ask(cluster(*many), "DELETE", of_kind("Secret")).findings
    assert "; 3 workloads more were not looked at" in found.problem


@pytest.mark.parametrize("kind", ["DestinationRule", "ServiceEntry", "VirtualService", "Secret"])
def test_an_object_that_stays_as_it_is_breaks_nobody(kind: str) -> None:
    assert said(ask(cluster(), "UPDATE", of_kind(kind), of_kind(kind))) == []


def test_previously_broken_workload_is_not_blamed_on_change() -> None:
    view = cluster(mounting("/etc/mtls"))
    assert said(ask(view, "DELETE", of_kind("Secret"))) == ["warn workload-broken-by-change Secret"]
    assert said(ask(view, "UPDATE", moved("/etc/x"), of_kind("DestinationRule"))) == [
        "warn destinationrule-unused DestinationRule"
    ]


def rule(name: str, *violations: Violation, fault: Exception | None = None) -> Rule:
    """A rule that yields these violations, and then raises if there is something to raise."""

    def check(_picture: object) -> Iterator[Violation]:
        yield from violations
        if fault is not None:
            raise fault

    return Rule(id=name, title=name, severity=Severity.DENY, about="workload", reads=frozenset(), docs="", check=check)


REF = ObjectRef("apps/v1", "Deployment", "devel", "sample-app")


def test_a_rule_that_raises_warns_and_hides_nothing() -> None:
    """Neither the findings of other rules are lost, nor does the text of the error get out."""
    rules = (rule("breaks", fault=ValueError("BEGIN PRIVATE KEY")), rule("works", Violation(REF, "spec", "is", "do")))
    assert weigh(hits(rules, None, REF), Policy(), "devel") == (
        Finding("works", Severity.DENY, REF, "spec", "is", "do"),
        Finding(
            "internal-error",
            Severity.WARN,
            REF,
            "",
            "our rule breaks failed on this object with ValueError, and was skipped",
            "report it to the maintainers of mtls-guard",
        ),
    )


def test_a_finding_stands_once_with_the_heaviest_severity() -> None:
    doubt, sure = (Violation(REF, "spec", "is", "do", certain=certain) for certain in (False, True))
    found = weigh(hits((rule("one", doubt, sure, doubt),), None, REF), Policy(), "devel")
    assert found == (Finding("one", Severity.DENY, REF, "spec", "is", "do"),)


@given(st.permutations([Violation(REF, path, "is", "do") for path in "cab"]))
def test_findings_stand_in_one_order(violations: list[Violation]) -> None:
    found = weigh(hits((rule("one", *violations),), None, REF), Policy(), "devel")
    assert [one.path for one in found] == ["a", "b", "c"]
