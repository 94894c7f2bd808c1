"""The registry of kinds agrees with the API of Kubernetes, and whatever is derived from it with the registry."""

from webhook.informer.watched_kinds import BUILT_IN
from webhook.kinds.registry import BY_KIND, REGISTRY, WORKLOAD_KINDS
from webhook.rules import catalogue

WITH_POD_TEMPLATE = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "ReplicationController": "v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "Pod": "v1",
}
"""The kinds with a PodTemplateSpec in the API reference of Kubernetes 1.37 and of Argo Rollouts, and Pod."""


def test_every_kind_with_a_pod_template_is_registered() -> None:
    assert {kind: entry.api_version for kind, entry in WORKLOAD_KINDS.items()} == WITH_POD_TEMPLATE


def test_no_two_kinds_have_one_name_or_short_name() -> None:
    names = [name for entry in REGISTRY for name in (entry.kind.lower(), entry.plural, *entry.short)]
    assert sorted(names) == sorted(set(names))


def test_rules_on_changes_confirm_every_kind_of_workload() -> None:
    """Otherwise a denial for breaking such a workload would rest on a view that may be out of date."""
    rule = catalogue()["workload-broken-by-change"]
    assert set(WITH_POD_TEMPLATE) <= rule.reads


def test_every_kind_with_a_pod_template_is_watched() -> None:
    assert set(WITH_POD_TEMPLATE) <= {wanted.kind for wanted in BUILT_IN}


def test_creators_of_pods_are_workloads() -> None:
    creators = {kind for entry in REGISTRY for _, kind in entry.creators}
    assert creators <= set(WITH_POD_TEMPLATE)
    assert {kind for _, kind in BY_KIND["Pod"].creators} == {
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "ReplicationController",
    }
