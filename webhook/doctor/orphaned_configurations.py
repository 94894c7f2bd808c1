"""Webhook configurations of mtls-guard that ask a Service which does not exist: left by an installation that is gone.

Entries that are `Fail` then refuse everything that they match, and neither Helm nor a replica will ever remove them.
"""

from collections.abc import Collection, Iterator

import orjson

from webhook.doctor.check import Check
from webhook.doctor.services import service_of
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.errors import ClusterError, Forbidden
from webhook.kubeapi.resource import MUTATING, VALIDATING, Resource
from webhook.leader.webhook_entries import entries_of
from webhook.model.raw_object import Manifest, dig, mapping, sequence, text

ROLE_BINDINGS = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
_OURS = ".mtls-guard.io"
Asked = tuple[str, str]
"""Namespace and name of a Service."""


def check_orphans(connection: ApiClient, own: Collection[str]) -> Iterator[Check]:
    """One check for each Service that is asked and does not exist; none where there is no such thing.

    own: the names of the configurations of an installation that is there, which are left to `entries`.
    """
    asked: dict[Asked, list[tuple[Resource, Manifest]]] = {}
    for resource in (VALIDATING, MUTATING):
        for manifest in _all(connection, resource):
            entries = {} if text(dig(manifest, "metadata", "name")) in own else entries_of(manifest)
            for service in sorted({_service(entry) for name, entry in entries.items() if name.endswith(_OURS)}):
                asked.setdefault(service, []).append((resource, manifest))
    for service, manifests in asked.items():
        if all(service) and not _exists(connection, service):
            yield _orphan(connection, service, manifests)


def _all(connection: ApiClient, resource: Resource) -> list[Manifest]:
    """Every configuration; none where they may not be listed."""
    try:
        return [mapping(each) for each in sequence(dig(orjson.loads(connection.page(resource)), "items"))]
    except Forbidden:
        return []


def _service(entry: Manifest) -> Asked:
    """Empty for an entry with a URL."""
    service = mapping(dig(entry, "clientConfig", "service"))
    return text(service.get("namespace")), text(service.get("name"))


def _exists(connection: ApiClient, service: Asked) -> bool:
    """Whether the Service is there, or may not be looked for."""
    try:
        return service_of(connection, *service) is not None
    except Forbidden:
        return True


def _orphan(connection: ApiClient, service: Asked, manifests: list[tuple[Resource, Manifest]]) -> Check:
    """What the configurations that ask it refuse, and the command that deletes them with what else was left."""
    entries = [entry for _, manifest in manifests for entry in entries_of(manifest).values()]
    blocks = any(entry.get("failurePolicy") == "Fail" and _service(entry) == service for entry in entries)
    named = [f"{resource.kind.lower()}/{text(dig(each, 'metadata', 'name'))}" for resource, each in manifests]
    effect = "everything that they match is refused" if blocks else "they judge nothing"
    told = f"Service {'/'.join(service)} does not exist, and {', '.join(named)} ask it: {effect}"
    remedy = f"kubectl delete {' '.join([*named, *_roles(connection, service)])} --ignore-not-found"
    return Check("orphaned", good=False if blocks else None, told=told, remedy=remedy)


def _roles(connection: ApiClient, service: Asked) -> list[str]:
    """The cluster-wide rights of that installation, where they are still there."""
    namespace, name = service
    try:
        binding = connection.get(ROLE_BINDINGS, "", name)
    except ClusterError:
        return []
    subjects = {text(dig(each, "namespace")) for each in sequence(binding.get("subjects"))}
    return [f"clusterrole/{name}", f"clusterrolebinding/{name}"] if subjects == {namespace} else []
