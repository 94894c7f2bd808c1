"""A DestinationRule whose paths move under running Pods that injection gave its files, and the way without a gap."""

import copy
import json
from typing import Any

import pytest

from tests.injecting import injected
from tests.live import mesh_objects as team
from tests.worked import Object, ask, lines, of_kind
from webhook.view import Snapshot

ASKS = {"mtls-guard.io/client-secret": "one"}
HINDERED = (
    "deny this change breaks Deployment devel/app (file-not-mounted); first annotate the DestinationRule with "
    'mtls-guard.io/also-mount: "/etc/new" and keep its paths, restart these workloads, then change the paths, and '
    'remove the annotation last; to accept a short interruption: annotation mtls-guard.io/allow-interruption: "true"'
)
RULE, MOVED = team.rule("one", "/etc/one"), team.rule("one", "/etc/new")


def also(rule: Object, place: str) -> Object:
    """The DestinationRule with a second directory."""
    made: dict[str, Any] = copy.deepcopy(dict(rule))
    made["metadata"]["annotations"] = {"mtls-guard.io/also-mount": place}
    return made


def deployment() -> Object:
    """A Deployment that opts in."""
    made = team.workload("app", "/", "")
    made["spec"]["template"]["metadata"]["annotations"] = dict(ASKS)
    return made


def pod_of(view: Snapshot, *, metadata_only: bool = False) -> Object:
    """A Pod of it as it is created now, stored."""
    template = copy.deepcopy(deployment()["spec"]["template"])
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-5d8f", "controller": True}
    metadata = {**template["metadata"], "name": "app-5d8f-x", "namespace": team.TEAM}
    made = injected({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}, view)
    made["metadata"] |= {"ownerReferences": [owner], "creationTimestamp": "2026-01-01T00:00:00Z"}
    if metadata_only:
        del made["spec"]
    return made


def cluster(rule: Object, *objects: Object) -> Snapshot:
    """A team with a partner, its DestinationRule, and the Deployment."""
    view = Snapshot()
    secrets = [{**of_kind("Secret"), "metadata": {"namespace": team.TEAM, "name": name}} for name in ("one", "two")]
    for one in (team.namespace(), *secrets, team.partner("one"), rule, deployment(), *objects):
        view.put(one)
    return view


def broken(view: Snapshot, new: Object, old: Object) -> list[str]:
    """What the change is answered with."""
    return lines(ask(view, "UPDATE", new, old), "workload-broken-by-change")


@pytest.mark.parametrize("metadata_only", [False, True], ids=["whole Pods", "their metadata"])
def test_paths_leaving_running_pods_are_denied_with_steps(*, metadata_only: bool) -> None:
    view = cluster(RULE)
    view.put(pod_of(view, metadata_only=metadata_only))
    assert broken(view, MOVED, RULE) == [HINDERED]


def test_without_running_pods_the_paths_may_move() -> None:
    assert broken(cluster(RULE), MOVED, RULE) == []


def test_named_steps_are_allowed_and_end_correctly() -> None:
    view = cluster(RULE)
    view.put(pod_of(view))
    both, moved_both = also(RULE, "/etc/new"), also(MOVED, "/etc/new")
    steps = ((both, RULE, True), (moved_both, both, False), (MOVED, moved_both, False))
    for new, old, restarts in steps:
        assert broken(view, new, old) == []
        view.put(new)
        if restarts:
            view.put(pod_of(view))
    assert json.loads(pod_of(view)["metadata"]["annotations"]["sidecar.istio.io/userVolumeMount"])[0]["mountPath"] == (
        "/etc/new"
    )


def test_pod_without_files_is_not_broken_by_a_move() -> None:
    view = cluster(RULE)
    bare = pod_of(view)
    for name in ("userVolume", "userVolumeMount"):
        del bare["metadata"]["annotations"][f"sidecar.istio.io/{name}"]
    view.put(bare)
    assert broken(view, MOVED, RULE) == []


def test_changed_secret_only_reports_the_running_pod() -> None:
    """A workload that takes what the DestinationRule names; its running Pods keep the Secret of before."""
    named = {**RULE, "metadata": {**RULE["metadata"], "annotations": ASKS}}
    renamed = {**RULE, "metadata": {**RULE["metadata"], "annotations": {"mtls-guard.io/client-secret": "two"}}}
    takes = deployment()
    takes["spec"]["template"]["metadata"]["annotations"] = {"mtls-guard.io/inject": "true"}
    view = cluster(named, takes)
    pod = pod_of(view)
    pod["metadata"]["annotations"] |= {"mtls-guard.io/inject": "true"}
    del pod["metadata"]["annotations"]["mtls-guard.io/client-secret"]
    view.put(pod)
    assert broken(view, renamed, named) == []
    (line,) = lines(ask(view, "UPDATE", renamed, named), "destinationrule-after-pods")
    assert line == (
        "warn running Pods of Deployment devel/app have other files than injection gives to new ones; kubectl -n devel "
        "rollout restart deployment/app"
    )
