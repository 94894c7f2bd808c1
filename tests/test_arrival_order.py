"""Verdicts and their texts depend on the objects that exist, never on the order in which they came: replicas agree."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import worked
from tests.test_rules import CASES, name, policy_for
from webhook.engine import judge, judge_state
from webhook.examples import AT, instant
from webhook.model.finding import Verdict
from webhook.model.printable import sentence
from webhook.model.rule import Example, Rule
from webhook.policy import Policy
from webhook.view import Snapshot

Object = Mapping[str, Any]
Lines = dict[str, list[str]]


def identity(one: Object) -> tuple[str, str, str]:
    """What makes two objects the same."""
    metadata = one.get("metadata") or {}
    return (str(one.get("kind")), metadata.get("namespace", "default"), metadata.get("name", ""))


def around(example: Example) -> list[Object]:
    """What exists beside the example's object, each object once."""
    held = [one for one in worked.worked() if one["kind"] not in example.without] if example.worked else []
    return list({identity(one): one for one in (*held, *worked.objects(example.cluster))}.values())


def filled(objects: Iterable[Object], *, complete: bool = True) -> Snapshot:
    """A snapshot into which the objects were put in this order."""
    view = Snapshot(complete=complete)
    for one in objects:
        view.put(one)
    return view


def lines_of(verdict: Verdict) -> list[str]:
    """The verdict as it is shown."""
    return [verdict.goal, *(f"{one.severity} {one.rule} {sentence(one, verdict.subject)}" for one in verdict.findings)]


def state(view: Snapshot, policy: Policy, at: Any = AT) -> Lines:
    """Every verdict about what exists, by object."""
    return {str(one.subject): lines_of(one) for one in judge_state(view, policy, at)}


@pytest.mark.parametrize(("rule", "example"), CASES, ids=name)
def test_an_example_says_the_same_in_any_order(rule: Rule, example: Example) -> None:
    """All its objects judged, in their order and backwards."""
    subject, policy = next(worked.objects(example.object)), policy_for(rule)
    changes = bool(example.old or example.deleted)
    objects = list({identity(one): one for one in (*around(example), *([] if changes else [subject]))}.values())
    said = []
    for order in (objects, objects[::-1]):
        view = filled(order, complete=example.complete)
        lines = state(view, policy, instant(example))
        if changes:
            lines["change"] = lines_of(judge(worked.request(example, subject), view, policy, instant(example)))
        said.append(lines)
    assert said[0] == said[1]


def made(kind: str, version: str, namespace: str, called: str, **fields: Any) -> Object:
    """An object."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": called, "namespace": namespace}, **fields}


NETWORKING = "networking.istio.io/v1"


def deployments() -> list[Object]:
    """Workloads that mount something else, nothing, or ask for injection, in two namespaces."""
    found = []
    for namespace in ("devel", "other"):
        for called, mount in (("b", "/etc/elsewhere"), ("a", "/etc/elsewhere"), ("d", ""), ("c", "/etc/mtlsfiles")):
            whole = json.loads(json.dumps(worked.deployment()))
            whole["metadata"] |= {"name": called, "namespace": namespace}
            annotations = whole["spec"]["template"]["metadata"]["annotations"]
            text = annotations["sidecar.istio.io/userVolumeMount"].replace("/etc/mtlsfiles", mount)
            annotations["sidecar.istio.io/userVolumeMount"] = text
            if not mount:
                annotations.clear()
                annotations["mtls-guard.io/client-secret"] = "external-system-mtls-data"
            found.append(whole)
    return found


def rules() -> list[Object]:
    """DestinationRules of one host and of others, some of them without a workload that serves them."""
    found = []
    for namespace, called, host, folder in (
        ("project", "z", "external.system.com", "/etc/mtlsfiles"),
        ("project", "y", "second.system.com", "/etc/second"),
        ("other", "x", "second.system.com", "/etc/elsewhere"),
        ("devel", "w", "*.system.com", "/etc/third"),
    ):
        tls = {"mode": "MUTUAL", "clientCertificate": f"{folder}/cert", "privateKey": f"{folder}/key"}
        spec = {"host": host, "trafficPolicy": {"tls": {**tls, "caCertificates": f"{folder}/cacert"}}}
        found.append(made("DestinationRule", NETWORKING, namespace, called, spec=spec))
    return found


def hosts() -> list[Object]:
    """ServiceEntries of one host in two namespaces, a route, and Sidecars."""
    ports = [{"number": 80, "name": "http", "protocol": "HTTP"}, {"number": 443, "name": "https", "protocol": "TLS"}]
    found = [
        made("ServiceEntry", NETWORKING, space, called, spec={"hosts": [host], "ports": ports, "resolution": "DNS"})
        for space, called, host in (
            ("project", "second", "second.system.com"),
            ("devel", "second", "second.system.com"),
            ("other", "third", "third.system.com"),
        )
    ]
    route = {"route": [{"destination": {"host": "second.system.com", "port": {"number": 443}}}]}
    for called in ("r", "q"):
        spec = {"hosts": ["second.system.com"], "http": [route]}
        found.append(made("VirtualService", NETWORKING, "devel", called, spec=spec))
    for called in ("s", "t"):
        spec = {"egress": [{"hosts": ["*/second.system.com", "*/external.system.com"]}]}
        found.append(made("Sidecar", NETWORKING, "other", called, spec=spec))
    return found


def producers() -> list[Object]:
    """Three objects that make one Secret, and one that makes another."""
    certificate = {"secretName": "other-data", "issuerRef": {"name": "x"}}
    return [
        made(
            "Certificate",
            "cert-manager.io/v1",
            "other",
            "m",
            spec={**certificate, "secretName": "external-system-mtls-data"},
        ),
        made("ExternalSecret", "external-secrets.io/v1", "other", "external-system-mtls-data", spec={}),
        made(
            "SealedSecret",
            "bitnami.com/v1alpha1",
            "other",
            "external-system-mtls-data",
            spec={"encryptedData": {"a": "b"}},
        ),
        made("Certificate", "cert-manager.io/v1", "other", "l", spec=certificate),
    ]


def around_istio() -> list[Object]:
    """Namespaces, and settings of the mesh in two of them."""
    labels = {"istio-injection": "enabled"}
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": labels}}
        for space in ("devel", "other", "project")
    ]
    mesh = [
        made("ConfigMap", "v1", space, "istio", data={"mesh": f"rootNamespace: {space}"})
        for space in ("istio-system", "other")
    ]
    return [*spaces, *mesh]


def everything() -> list[Object]:
    """The objects of a mixed cluster, each once."""
    mixed = (*worked.worked(), *deployments(), *rules(), *hosts(), *producers(), *around_istio())
    return list({identity(one): one for one in mixed}.values())


EVERYTHING = everything()


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, len(EVERYTHING) - 1), min_size=len(EVERYTHING) // 2), st.randoms(use_true_random=False))
def test_a_mixed_cluster_says_the_same_in_any_order(chosen: set[int], random: Any) -> None:
    """Each verdict about what exists, and what a change and a deletion are answered with."""
    order = [EVERYTHING[index] for index in sorted(chosen)]
    shuffled = list(order)
    random.shuffle(shuffled)
    assert answers(order) == answers(shuffled)


def test_a_whole_mixed_cluster_says_the_same_backwards() -> None:
    assert answers(EVERYTHING) == answers(EVERYTHING[::-1])


def test_intended_workload_is_first_by_namespace_and_name() -> None:
    """Several mount something else than the rule reads; `destinationrule-unused` names one of them."""
    meant = [one for one in deployments() if one["metadata"]["name"] in ("a", "b")]
    rest = [*worked.worked(), *around_istio()]
    for order in ([*rest, *meant], [*meant[::-1], *rest], [*rest[::-1], *meant[1:], meant[0]]):
        lines = [line for found in state(filled(order), Policy()).values() for line in found]
        (line,) = [line for line in lines if " destinationrule-unused " in line]
        assert "Deployment devel/a" in line


def answers(order: Sequence[Object]) -> Lines:
    """All verdicts on a cluster that came in this order."""
    view = filled(order)
    found = state(view, Policy())
    for one in rules():
        spec = {**one["spec"], "trafficPolicy": {"tls": {"mode": "DISABLE"}}}
        found[f"update {identity(one)}"] = lines_of(worked.ask(view, "UPDATE", {**one, "spec": spec}, one))
        found[f"delete {identity(one)}"] = lines_of(worked.ask(view, "DELETE", one))
    secret = worked.of_kind("Secret")
    found["delete the Secret"] = lines_of(worked.ask(view, "DELETE", secret))
    for one in deployments():
        found[f"create {identity(one)}"] = lines_of(worked.ask(view, "CREATE", one))
    return found
