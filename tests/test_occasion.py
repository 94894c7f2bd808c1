"""What is missing is judged by who could still create it: on a dry run, for a release tool, for kubectl, in a state."""

from typing import Any

import orjson
import pytest

from certs.vocabulary import fill
from tests import worked
from webhook.admission.request import read_review
from webhook.engine import judge, judge_workload
from webhook.examples import AT
from webhook.kinds.release_tool import ReleaseTools, Sign, release_tool
from webhook.kinds.workload import read_workload
from webhook.model.finding import ObjectRef
from webhook.model.occasion import MissingSecret
from webhook.model.printable import sentence
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.view import Snapshot

CREATE = "kubectl -n devel create secret generic external-system-mtls-data"
FILES = "--from-file=cert=FILE --from-file=key=FILE --from-file=cacert=FILE"
SECRET = "Secret devel/external-system-mtls-data"
AGAIN = "apply the same input again if that contains it, or what makes it"
DENIED = f"deny {SECRET}: does not exist, the Pod will not start; create it, or {AGAIN}: {CREATE} {FILES}"
ABSENT = f"deny {SECRET}: does not exist, the Pod will not start; create it: {CREATE} {FILES}"
YET = f"warn {SECRET}: does not exist yet, the Pod will not start until it does"
TO_COME = f"{YET}; if nothing will make it: {CREATE} {FILES}"
CERTIFICATE = ("cert-manager.io", "Certificate")
PRODUCER: dict[str, Any] = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": "external-system-mtls-data", "namespace": "devel"},
    "spec": {"data": [{"secretKey": key} for key in ("cert", "key", "cacert")]},
}
AWAITED = (
    f"warn {SECRET}: does not exist yet, the Pod will not start until "
    "ExternalSecret devel/external-system-mtls-data makes it; wait for it"
)


def sent_by(tool: str) -> str:
    """The line for a Secret that a release tool may send."""
    return f"{YET}; {tool} may send it, or what makes it, later; if nothing will make it: {CREATE} {FILES}"


def view(*, served: bool = False, producer: bool = False) -> Snapshot:
    """The worked example without its Secret. served: cert-manager's Certificate is."""
    found = worked.cluster(*([PRODUCER] if producer else []), without=("Secret", "Deployment"))
    found.made.serve([CERTIFICATE] if served else [])
    return found


def lines(cluster: Snapshot, policy: Policy, **changes: Any) -> list[str]:
    """The lines of the verdict on the worked example's Deployment."""
    made = worked.deployment()
    ref = ObjectRef(made["apiVersion"], made["kind"], made["metadata"]["namespace"], made["metadata"]["name"])
    found = judge(Request("uid", "CREATE", ref, new=made, **changes), cluster, policy, AT)
    return [f"{one.severity} {sentence(one, ref)}" for one in found.findings]


HELM, DRY = {"field_manager": "helm"}, {"dry_run": True}


@pytest.mark.parametrize(
    ("missing", "state", "request_", "line"),
    [
        ("auto", {}, {}, DENIED),
        ("auto", {"served": True}, {}, DENIED),
        ("auto", {}, HELM, DENIED),
        ("auto", {"served": True}, HELM, sent_by("Helm")),
        ("auto", {"served": True}, {"field_manager": "argocd-controller"}, sent_by("Argo CD")),
        ("auto", {"served": True}, {"field_manager": "kustomize-controller"}, sent_by("Flux")),
        ("auto", {"producer": True}, {}, AWAITED),
        ("auto", {}, DRY, TO_COME),
        ("auto", {"producer": True}, DRY, AWAITED),
        ("warn", {}, {}, TO_COME),
        ("deny", {"served": True}, HELM, DENIED),
        ("deny", {"producer": True}, {}, AWAITED.replace("warn", "deny", 1)),
        ("deny", {}, DRY, TO_COME),
        ("deny", {"producer": True}, DRY, AWAITED),
    ],
)
def test_a_missing_secret_weighs_what_the_table_says(
    missing: str, state: dict[str, bool], request_: dict[str, Any], line: str
) -> None:
    assert lines(view(**state), Policy(missing_secret=MissingSecret(missing)), **request_) == [line]


@pytest.mark.parametrize(
    ("missing", "state", "line"),
    [
        ("auto", {"served": True}, ABSENT),
        ("auto", {"producer": True}, AWAITED),
        ("warn", {}, ABSENT.replace("deny", "warn", 1)),
        ("deny", {"producer": True}, AWAITED.replace("warn", "deny", 1)),
    ],
)
def test_existing_state_needs_a_producer_for_a_secret(missing: str, state: dict[str, bool], line: str) -> None:
    workload = read_workload(worked.deployment())
    assert workload is not None
    found = judge_workload(workload, view(**state), Policy(missing_secret=MissingSecret(missing)), AT)
    assert [f"{one.severity} {sentence(one, workload.ref)}" for one in found.findings] == [line]


def test_wrong_contents_are_denied_on_a_dry_run_too() -> None:
    data = {"cert": "@expired.cert", "key": "@expired.key", "cacert": "@ca.cert"}
    meta = {"name": "external-system-mtls-data", "namespace": "devel"}
    cluster = view(served=True)
    cluster.put(fill({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}))
    found = lines(cluster, Policy(), dry_run=True, field_manager="kustomize-controller")
    problem = "certificate CN=client,O=Example expired 3 days ago (2026-11-21T12:00Z)"
    assert [line.partition(";")[0] for line in found] == [f'deny {SECRET} key "cert": {problem}']


@pytest.mark.parametrize(
    ("metadata", "manager", "tool"),
    [
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "", "Helm"),
        ({"labels": {"app.kubernetes.io/managed-by": "kustomize"}}, "kubectl-client-side-apply", ""),
        ({"annotations": {"meta.helm.sh/release-name": "pay"}}, "", "Helm"),
        ({}, "helm", "Helm"),
        ({"labels": {"app.kubernetes.io/instance": "pay"}}, "", "Argo CD"),
        ({"labels": {"argocd.argoproj.io/instance": "pay"}}, "", "Argo CD"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "pay:apps/Deployment:pay/a"}}, "", "Argo CD"),
        ({}, "argocd-controller", "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "", "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "apps"}}, "", "Flux"),
        ({}, "kustomize-controller", "Flux"),
        ({}, "helm-controller", "Flux"),
        ({"labels": {"example.com/by": "deployer"}}, "", "example.com/by=deployer"),
        ({"labels": {"example.com/by": "hand"}}, "", ""),
        ({"annotations": {"example.com/release": "1"}}, "", "example.com/release"),
        ({}, "our-deployer", "our-deployer"),
        ({}, "kubectl", ""),
        ({"labels": "odd", "annotations": {"meta.helm.sh/release-name": 5}}, "", ""),
    ],
)
def test_a_release_tool_is_recognised_by_what_it_writes(metadata: object, manager: str, tool: str) -> None:
    further = ReleaseTools(
        (Sign("example.com/by", "deployer", "example.com/by=deployer"),),
        (Sign("example.com/release", "", "example.com/release"),),
        ("our-deployer",),
    )
    assert release_tool({"metadata": metadata}, manager, further) == tool


@pytest.mark.parametrize(
    ("options", "manager"), [({"fieldManager": "helm"}, "helm"), ({}, ""), (None, ""), ({"fieldManager": 5}, "")]
)
def test_a_request_says_its_field_manager(options: object, manager: str) -> None:
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    request = {"uid": "1", "operation": "CREATE", "object": {}, "options": options, "dryRun": True}
    read = read_review(orjson.dumps({**review, "request": request}))
    assert (read.field_manager, read.dry_run) == (manager, True)
