"""Laws over DestinationRules of any shape: judging one never fails, says each fault once, and changes nothing."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.worked import ask, cluster, of_kind
from webhook.engine import judge_state
from webhook.engine.runner import INTERNAL_ERROR
from webhook.examples import AT
from webhook.model.printable import sentence
from webhook.policy import Policy

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 99999) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)
PATHS = st.sampled_from(
    ["/etc/mtlsfiles/cert", "/etc/mtlsfiles/key", "/etc/a~b", "/etc/ ", "/etc/", "SYSTEM", "system", ""]
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of these fields, each as it ought to be or as anything."""
    return st.fixed_dictionaries({}, optional={key: value | JUNK for key, value in fields.items()})


TLS = some(
    mode=st.sampled_from(["MUTUAL", "SIMPLE", "ISTIO_MUTUAL", "DISABLE", "mutual"]),
    clientCertificate=PATHS,
    privateKey=PATHS,
    caCertificates=PATHS,
    caCrl=PATHS,
    credentialName=st.sampled_from(["external-system-mtls-data", "configmap://a/b"]),
    sni=st.just("external.system.com"),
    subjectAltNames=st.lists(st.text(max_size=5), max_size=2),
    insecureSkipVerify=st.booleans(),
    client_certificate=PATHS,
    caCertificate=PATHS,
)
PORT = some(port=some(number=st.sampled_from([80, 443, 8443])), tls=TLS, connectionPool=JUNK)
TRAFFIC = some(tls=TLS, portLevelSettings=st.lists(PORT, max_size=3))
SUBSET = some(name=st.sampled_from(["a", "b"]), labels=JUNK, trafficPolicy=TRAFFIC)
SPEC = some(
    host=st.sampled_from(
        ["external.system.com", "*.system.com", "*", "partner.egress", "partner", "external.sytem.com"]
    ),
    trafficPolicy=TRAFFIC,
    subsets=st.lists(SUBSET, max_size=2),
    exportTo=st.lists(st.sampled_from([".", "*", "devel", "~"]), max_size=2),
    workloadSelector=some(matchLabels=st.dictionaries(st.just("app"), st.sampled_from(["sample-app", "x"]))),
)


def rule(name: str, namespace: str, spec: Any) -> Mapping[str, Any]:
    """A DestinationRule with this spec."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata, "spec": spec}


@given(SPEC | JUNK, st.sampled_from(["project", "devel", "istio-system"]), st.booleans())
def test_a_rule_of_any_shape_is_judged(spec: Any, namespace: str, complete: bool) -> None:
    """No rule of ours raises, no fault is said twice, and every line can be shown."""
    view = cluster(rule("any", namespace, spec))
    view.complete = complete
    for verdict in judge_state(view, Policy(), AT):
        identities = [one.identity for one in verdict.findings]
        assert len(identities) == len(set(identities))
        assert {one.rule for one in verdict.findings}.isdisjoint({INTERNAL_ERROR})
        assert all(sentence(one, verdict.subject).isprintable() for one in verdict.findings)


@given(SPEC | JUNK, st.sampled_from(["CREATE", "UPDATE", "DELETE"]))
def test_a_change_of_any_shape_is_answered_the_same_twice(spec: Any, operation: str) -> None:
    """The worked example's rule is replaced by anything, and the view stays as it was."""
    view = cluster()
    new = rule("external-system-dest-rule", "project", spec)
    before = [verdict.findings for verdict in judge_state(view, Policy(), AT)]
    first, second = (ask(view, operation, new, of_kind("DestinationRule")) for _ in range(2))
    assert first == second
    assert INTERNAL_ERROR not in {one.rule for one in first.findings}
    assert [verdict.findings for verdict in judge_state(view, Policy(), AT)] == before
