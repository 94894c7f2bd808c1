"""Where injection does not happen, a workload that opts in is judged as it is written, and a finding says why."""

from typing import Any

import pytest

from tests import worked
from tests.injecting import opted, verdict
from webhook.model.finding import ObjectRef
from webhook.view import Snapshot

RULE = "injection-unavailable"
API = "admissionregistration.k8s.io/v1"
KIND = "MutatingWebhookConfiguration"
NAME = "before-istio-mtls-guard"
WHERE = 'spec.template.metadata.annotations["mtls-guard.io/client-secret"]'
LACKS = "Pods lack the files of DestinationRule project/external-system-dest-rule"
HAND = 'mount "external-system-mtls-data" by hand'
NAMED = {
    "mtls-guard.io/client-secret": "external-system-mtls-data",
    "mtls-guard.io/destinations": "external.system.com",
}


def configuration(*excluded: str, bundle: str = "TFM=", name: str = NAME) -> worked.Object:
    """mtls-guard's own, as far as it matters here."""
    selector = {
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(excluded)}]
    }
    service = {"service": {"name": "mtls-guard", "namespace": "mtls-guard"}, "caBundle": bundle}
    entry: dict[str, Any] = {
        "name": "inject.mtls-guard.io",
        "clientConfig": service,
        "rules": [{"resources": ["pods"]}],
    }
    if excluded:
        entry["namespaceSelector"] = selector
    return {"apiVersion": API, "kind": KIND, "metadata": {"name": name}, "webhooks": [entry]}


def view(*extra: worked.Object, listed: bool = True) -> Snapshot:
    """The worked example without its Deployment, and all webhook configurations of the cluster."""
    made = worked.cluster(*extra, without=("Deployment",))
    made.know_webhooks(listed=listed)
    return made


def lines(cluster: Snapshot, annotations: dict[str, str] | None = None) -> list[str]:
    findings = verdict(opted(annotations or NAMED), cluster).findings
    return [f"{one.severity.name.lower()} {one.path}: {one.problem}; {one.fix} [{one.rule}]" for one in findings]


def test_without_the_configuration_injection_is_not_installed() -> None:
    problem = f"injection is not installed ({'no ' + KIND} has inject.mtls-guard.io): {LACKS}"
    assert lines(view()) == [f"deny {WHERE}: {problem}; {HAND}, or set injection.enabled of the chart [{RULE}]"]


def test_an_excluded_namespace_is_named() -> None:
    problem = f"{KIND} {NAME} excludes namespace devel: {LACKS}"
    fix = f"{HAND}, or take devel out of webhook.excludedNamespaces"
    assert lines(view(configuration("istio-system", "devel"))) == [f"deny {WHERE}: {problem}; {fix} [{RULE}]"]


def test_a_configuration_that_cannot_be_called_is_named() -> None:
    problem = f"{KIND} {NAME} has no CA bundle: {LACKS}"
    line = f"deny {WHERE}: {problem}; {HAND}, or see mtls-guard doctor [{RULE}]"
    assert lines(view(configuration(bundle=""))) == [line]


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(view(configuration()), id="every namespace"),
        pytest.param(view(configuration("istio-system")), id="another namespace is excluded"),
        pytest.param(view(configuration("devel"), configuration(name="before-istio-second")), id="a second release"),
        pytest.param(view(listed=False), id="nothing is known of webhook configurations"),
    ],
)
def test_where_injection_happens_the_plan_counts(cluster: Snapshot) -> None:
    assert lines(cluster) == []


def test_deleted_configuration_stops_counting_at_once() -> None:
    cluster = view(configuration())
    assert lines(cluster) == []
    cluster.remove(ObjectRef(API, KIND, "default", NAME))
    assert [one.rpartition(" ")[2] for one in lines(cluster)] == [f"[{RULE}]"]
    cluster.put(configuration())
    assert lines(cluster) == []


def test_files_that_the_workload_mounts_itself_are_enough() -> None:
    deployment = worked.of_kind("Deployment")
    own = deployment["spec"]["template"]["metadata"]["annotations"]
    assert lines(view(), {**own, **NAMED}) == []


def test_opt_in_without_destinationrule_is_answered_alike() -> None:
    asks = {"mtls-guard.io/client-secret": "external-system-mtls-data", "mtls-guard.io/destinations": "elsewhere.com"}
    assert lines(view(), asks) == lines(view(configuration()), asks)


def test_destinationrule_reaches_sidecar_without_files() -> None:
    rule = worked.of_kind("DestinationRule")
    assert worked.ask(view(configuration(), opted(NAMED)), "CREATE", rule).findings == ()
    assert [one.rule for one in worked.ask(view(opted(NAMED)), "CREATE", rule).findings] == ["destinationrule-unused"]
