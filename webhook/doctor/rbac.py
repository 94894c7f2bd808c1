"""Whether the webhook's ServiceAccount may do what it needs: asked as itself in a pod, else as somebody who may ask."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from webhook.doctor.check import Check, DoctorContext
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import ACCESS_REVIEWS, Resource
from webhook.model.raw_object import dig, sequence, text

ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
_SECRETS = {"verb": "get", "group": "", "resource": "secrets"}
SUBJECT_REVIEWS = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)


def needed(
    found: DoctorContext, followed: Iterable[Resource], secrets_in: Iterable[str] = ()
) -> Iterator[Mapping[str, str]]:
    """Every right, as `resourceAttributes` of an access review. followed: the kinds that are watched.

    secrets_in: the namespaces whose Secrets it shall be able to read, none for all.
    """
    for resource in followed:
        for verb in ("list", "watch"):
            yield {"verb": verb, "group": resource.group, "resource": resource.plural}
    for namespace in (*secrets_in,) or ("",):
        yield {**_SECRETS, "namespace": namespace}
    own = {"namespace": found.namespace, "name": found.name}
    for verb in ("get", "update"):
        yield {"verb": verb, "group": "coordination.k8s.io", "resource": "leases", **own}
    yield {"verb": "get", "group": "", "resource": "configmaps", **own, "name": found.config_map}
    for verb in ("get", "create", "update", "patch", "delete"):
        yield {"verb": verb, **_configuration("validating"), "name": found.enforcing}
        for name in (found.injecting, found.last):
            yield {"verb": verb, **_configuration("mutating"), "name": name}
    for verb in ("get", "patch"):
        yield {"verb": verb, **_configuration("validating"), "name": found.name}
    yield {"verb": "get", "group": "", "resource": "namespaces", "name": found.namespace}
    yield {"verb": "get", "group": "rbac.authorization.k8s.io", "resource": "clusterroles", "name": found.name}


def _configuration(kind: str) -> Mapping[str, str]:
    return {"group": "admissionregistration.k8s.io", "resource": f"{kind}webhookconfigurations"}


def secret_namespaces(connection: ApiClient, found: DoctorContext) -> tuple[str, ...]:
    """The namespaces to which values limit the reading of Secrets; none where they do not, or that may not be seen."""
    try:
        listed = connection.page(ROLES, "", {"fieldSelector": f"metadata.name={found.name}-secrets"})
    except ClusterError:
        return ()
    return tuple(text(dig(one, "metadata", "namespace")) for one in sequence(dig(orjson.loads(listed), "items")))


def check_rights(connection: ApiClient, found: DoctorContext, followed: Iterable[Resource]) -> Check:
    """One check for all of them, asked for the ServiceAccount, or by it. followed: the kinds that are watched."""
    limited = secret_namespaces(connection, found)
    account = "" if found.inside else found.account
    try:
        rights = needed(found, followed, limited)
        refused = [right for right in rights if not _allowed(connection, found, right, account)]
    except ClusterError as error:
        return Check("rights", good=None, told=f"they cannot be asked for: {error}", remedy="run doctor in a replica")
    if found.inside and refused == [{**_SECRETS, "namespace": ""}]:
        remedy = f"right where rbac.secretNamespaces says so; else {found.upgrade}"
        return Check("rights", good=None, told="it may not get the Secrets of every namespace", remedy=remedy)
    if refused:
        told = ", ".join(f"{right['verb']} {right['resource']}" for right in refused[:6])
        more = f" and {len(refused) - 6} more" if len(refused) > 6 else ""
        return Check("rights", good=False, told=f"it may not {told}{more}", remedy=found.upgrade)
    only = f"; Secrets may be read in {', '.join(limited)} only" if limited else ""
    return Check("rights", good=True, told=f"it may do what it needs{only}")


def may_follow(connection: ApiClient, found: DoctorContext, kind: str) -> bool | None:
    """Whether the ServiceAccount may list and watch a kind, None where that cannot be asked.

    kind: as the replicas' metrics name it: `certificates.cert-manager.io`, `configmaps istio-system/istio`.
    """
    plural, _, group = kind.partition(" ")[0].partition(".")
    namespace, _, name = kind.partition(" ")[2].partition("/")
    named = {key: value for key, value in (("namespace", namespace), ("name", name)) if value}
    right = {"group": group, "resource": plural, **named}
    account = "" if found.inside else found.account
    try:
        return all(_allowed(connection, found, {"verb": verb, **right}, account) for verb in ("list", "watch"))
    except ClusterError:
        return None


def _allowed(connection: ApiClient, found: DoctorContext, right: Mapping[str, str], account: str) -> bool:
    resource = SUBJECT_REVIEWS if account else ACCESS_REVIEWS
    spec: dict[str, Any] = {"resourceAttributes": dict(right)}
    if account:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{found.namespace}", "system:authenticated"]
        spec |= {"user": f"system:serviceaccount:{found.namespace}:{account}", "groups": groups}
    made = connection.create(resource, {"apiVersion": resource.api_version, "kind": resource.kind, "spec": spec})
    return dig(made, "status", "allowed") is True
