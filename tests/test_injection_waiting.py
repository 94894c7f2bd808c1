"""A Pod that comes before its DestinationRule: it is refused for a while, and its controller tries again."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest

from tests import worked
from tests.injecting import ASKS, SECRET, mutation, pod, reading
from tests.test_connection import Server, connection, server, token
from tests.test_injection_choice import EARLY, LATER, deployed, partner, view_of
from webhook.admission import respond_mutation
from webhook.examples import AT
from webhook.informer.controller_age import ControllerAgeReader
from webhook.informer.store import Store
from webhook.inject import Mutation, with_waiting
from webhook.kubeapi.client import ApiClient
from webhook.metrics import Metrics
from webhook.model.finding import ObjectRef
from webhook.model.request import Request
from webhook.policy import InjectionPolicy
from webhook.view import Snapshot

__all__ = ["connection", "server", "token"]
REPLICA_SET = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "sample-app-5d8f", "uid": "u", "controller": True}
WAITED = f'a DestinationRule that reads the files of Secret "{SECRET}"'


def asked(annotations: Mapping[str, str] = ASKS, *, dry_run: bool = False) -> Request:
    """The creation of a Pod of a ReplicaSet."""
    manifest = pod(annotations)
    manifest["metadata"]["ownerReferences"] = [REPLICA_SET]
    ref = ObjectRef("v1", "Pod", "devel", "sample-app-5d8f-*")
    return Request("uid", "CREATE", ref, new=manifest, dry_run=dry_run, last=True)


def answered(
    view: Snapshot, seconds: float | None, policy: InjectionPolicy | None = None, request: Request | None = None
) -> Mutation:
    """The mutation of such a Pod whose controller is that old; None: it has none."""
    request = request or asked()
    created = (AT - timedelta(seconds=seconds)).isoformat() if seconds is not None else ""
    return with_waiting(request, mutation(request.new, view), policy or InjectionPolicy(), lambda _: created, AT)


def none() -> Snapshot:
    """The worked example before its DestinationRule."""
    return worked.cluster(without=("DestinationRule",))


def own() -> Snapshot:
    """The workload's namespace has a DestinationRule for it."""
    return view_of(*partner("a", "devel", reading("/a"), EARLY))


def response(found: Mutation) -> Mapping[str, Any]:
    """What the API server is answered."""
    answer: Any = respond_mutation(asked(), lambda _: found, lambda error: pytest.fail(str(error)))[1]["response"]
    return answer  # type: ignore[no-any-return]


def test_pod_of_young_controller_waits_for_named_object() -> None:
    reply = response(answered(none(), 1))
    assert (reply["allowed"], reply["status"]["code"], reply["status"]["reason"]) == (False, 403, "Forbidden")
    assert reply["status"]["message"] == (
        f"Pod devel/sample-app-5d8f-* is not created yet: it waits for {WAITED}; its controller tries again, and from "
        f"{AT + timedelta(seconds=59):%H:%M:%S} UTC on it is created in any case\n"
        "explain: mtls-guard explain injection-without-destinationrule"
    )


STARTS: dict[str, tuple[float | None, InjectionPolicy, bool]] = {
    "its controller is old, as at a scale-up": (61, InjectionPolicy(), False),
    "it has no controller": (None, InjectionPolicy(), False),
    "the policy says start": (1, InjectionPolicy("start"), False),
    "a dry run": (1, InjectionPolicy(), True),
    "a shorter wait": (11, InjectionPolicy(wait=timedelta(seconds=10)), False),
}


@pytest.mark.parametrize(("seconds", "policy", "dry_run"), STARTS.values(), ids=STARTS)
def test_a_pod_starts_without_its_files_and_that_is_said(
    seconds: float | None, policy: InjectionPolicy, dry_run: bool
) -> None:
    reply = response(answered(none(), seconds, policy, asked(dry_run=dry_run)))
    assert (reply["allowed"], reply.get("warnings", [])) == (
        True,
        []
        if dry_run
        else [
            (
                f"Pod devel/sample-app-5d8f-* starts without certificate files: {WAITED} is not there; restart it then "
                "[injection-without-destinationrule]"
            )
        ],
    )


def test_the_policy_refuse_refuses_however_old_the_controller_is() -> None:
    assert answered(none(), 9999, InjectionPolicy("refuse")).refused == (
        f"Pod devel/sample-app-5d8f-* is not created yet: {WAITED} is missing (policy injection.withoutPlan: refuse)"
    )


def test_a_pod_whose_destination_rule_is_there_never_waits() -> None:
    found = answered(own(), 0)
    assert (found.refused, found.outcome) == ("", "patched")


ELSEWHERE = partner("a", "other", reading("/a"), EARLY)


def test_new_workload_is_not_served_from_another_namespace() -> None:
    """Helm has sent the Deployment, and its own DestinationRule comes a moment later."""
    view = view_of(*ELSEWHERE, deployed(dict(ASKS), f"{AT - timedelta(seconds=3):%Y-%m-%dT%H:%M:%SZ}"))
    assert answered(view, 3).refused == (
        "Pod devel/sample-app-5d8f-* is not created yet: its own DestinationRule may follow, and only one of another "
        "namespace fits its Secret so far; name the hosts (mtls-guard.io/destinations) and it does not wait; its "
        f"controller tries again, and from {AT + timedelta(seconds=7):%H:%M:%S} UTC on it is created in any case"
    )
    settled = view_of(*ELSEWHERE, deployed(dict(ASKS), LATER))
    assert answered(settled, 3).outcome == "patched"


def test_missing_secret_does_not_prolong_waiting() -> None:
    """It could not start anyway; a Certificate that announces the Secret changes nothing about that."""
    certificate = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "client", "namespace": "devel"},
        "spec": {"secretName": SECRET},
    }
    objects = [*ELSEWHERE, certificate, deployed(dict(ASKS), EARLY)]
    view = worked.cluster(*objects, without=("DestinationRule", "ServiceEntry", "VirtualService", "Secret"))
    assert answered(view, 59).outcome == "waiting"
    assert answered(view, 61).outcome == "patched"


def test_a_new_template_gets_nothing_by_guess() -> None:
    """With injection.into: Templates; its Pods are asked for again, and its next change writes it."""
    made = deployed(dict(ASKS))
    ref = ObjectRef("apps/v1", "Deployment", "devel", "sample-app")
    for view, operation, count in (
        (view_of(*ELSEWHERE), "CREATE", 0),
        (own(), "CREATE", 2),
        (view_of(*ELSEWHERE), "UPDATE", 2),
    ):
        request = Request("uid", operation, ref, new=made, last=True)
        found = with_waiting(request, mutation(made, view, operation), InjectionPolicy(), lambda _: "", AT)
        assert len(found.operations) == count


def test_a_pod_that_names_its_hosts_does_not_wait() -> None:
    asks = {**ASKS, "mtls-guard.io/destinations": "a.example.com"}
    assert answered(view_of(*ELSEWHERE), 0, request=asked(asks)).outcome == "patched"


def test_second_host_without_destinationrule_is_awaited() -> None:
    asks = {**ASKS, "mtls-guard.io/destinations": "a.example.com, b.example.com"}
    found = answered(view_of(*ELSEWHERE), 0, request=asked(asks))
    assert "it waits for a DestinationRule that reads certificate files for b.example.com;" in found.refused


def test_opt_in_by_namespace_label_never_waits() -> None:
    labels = {"istio-injection": "enabled", "mtls-guard.io/inject": "true"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "devel", "labels": labels}}
    view = worked.cluster(namespace, without=("DestinationRule", "Namespace"))
    assert answered(view, 0, request=asked({})).refused == ""


def test_pods_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    for found in (answered(none(), 1), answered(none(), 61), answered(own(), 1)):
        metrics.mutated(asked(), found, 0.001)
    shown = generate_latest(metrics.registry).decode()
    for outcome in ("waiting", "without", "patched"):
        assert f'mtls_guard_injection_pods_total{{outcome="{outcome}"}} 1.0' in shown
    assert 'mtls_guard_admission_requests_total{kind="Pod",operation="CREATE",verdict="deny"} 1.0' in shown


REPLICA_SETS = "/apis/apps/v1/namespaces/devel/replicasets"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ((200, orjson.dumps({"items": [{"metadata": {"uid": "u", "creationTimestamp": EARLY}}]}), {}), EARLY),
        ((200, orjson.dumps({"items": [{"metadata": {"uid": "another", "creationTimestamp": EARLY}}]}), {}), ""),
        ((200, b'{"items": []}', {}), ""),
        ((403, json.dumps({"message": "no"}).encode(), {}), ""),
    ],
)
def test_the_age_of_a_replica_set_is_asked_of_the_api_server(
    server: Server, connection: ApiClient, reply: tuple[int, bytes, dict[str, str]], expected: str
) -> None:
    server.replies[REPLICA_SETS] = reply
    assert ControllerAgeReader(connection, Store({}))(asked()) == expected


def test_the_age_of_a_job_is_that_of_its_cron_job(connection: ApiClient) -> None:
    store = Store({})
    template = pod()
    made = {"name": "nightly", "namespace": "devel", "creationTimestamp": EARLY}
    job = {**made, "name": "nightly-1", "creationTimestamp": LATER}
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "controller": True}
    spec = {"template": {"metadata": template["metadata"], "spec": template["spec"]}}
    store.view.put(
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": made, "spec": {"jobTemplate": {"spec": spec}}}
    )
    store.view.put(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {**job, "ownerReferences": [owner]}, "spec": spec}
    )
    request = asked()
    request.new["metadata"]["ownerReferences"] = [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly-1", "uid": "j", "controller": True}
    ]
    assert ControllerAgeReader(connection, store)(request) == EARLY
