"""Reads a cluster once, for `check --live`: every kind that verdicts ask for, as far as the caller's rights go.

What may not be read is said, never guessed. Watching is left to `follow`; Secrets are read by name, as facts only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.decoding.json_text import load_json_cut
from webhook.informer.discovery import discover
from webhook.informer.transform import trim
from webhook.informer.watched_kinds import WatchedKind, WatchTarget, istio_config_maps, watched_kinds
from webhook.istio.injector.annotations import read_user_volumes
from webhook.kinds.opt_in_annotations import CLIENT_SECRET, read_declaration
from webhook.kubeapi.client import JSON, ApiClient, Query
from webhook.kubeapi.errors import ClusterError, Forbidden, NotFound
from webhook.kubeapi.resource import CONFIG_MAPS, MUTATING, NAMESPACES, SECRETS, Resource
from webhook.model.mesh import Mesh
from webhook.model.raw_object import dig, mapping, sequence, text
from webhook.model.workload import Source, Workload
from webhook.policy import Policy
from webhook.view import Snapshot

PAGE = 500
Name = tuple[str, str]
"""Namespace and name."""


@dataclass(slots=True)
class ClusterListing:
    """A cluster as one caller sees it. unread: what could not be read, one line each; then the view is not complete."""

    view: Snapshot
    unread: list[str] = field(default_factory=list)


def survey(connection: ApiClient, policy: Policy, namespace: str, *, only: bool) -> ClusterListing:
    """The cluster. namespace: where the caller has rights if not everywhere. only: do not look into others.

    Raises:
        ClusterUnavailable: the API server does not answer.
    """
    paths, further, root = policy.workload_paths, policy.further_producers, Mesh().root_namespace
    view = Snapshot(complete=True, workload_paths=paths, istio_namespace=root, further=further)
    found = ClusterListing(view)
    reader = _KindLister(connection, namespace, found, only=only)
    kinds = watched_kinds(policy)
    served = discover(connection, kinds)
    found.view.made.serve(served)
    for kind in kinds:
        resource = served.get(kind.key)
        for item in reader.read(kind, resource) if resource is not None else ():
            found.view.put(item)
    for item in reader.named(istio_config_maps(found.view.mesh.root_namespace, found.view.mesh.config_revisions)):
        found.view.put(item)
    found.view.complete = not found.unread
    found.view.know_webhooks(listed=_not_listed(MUTATING) not in found.unread)
    return found


def read_named(connection: ApiClient, found: ClusterListing, workloads: Iterable[Workload]) -> None:
    """Adds the Secrets and ConfigMaps that these workloads mount, and that are not in the view yet."""
    held = {"secret": frozenset(found.view.secrets), "configMap": frozenset(found.view.config_maps)}
    wants = dict.fromkeys(
        pair for workload in workloads for pair in (*_mounted(workload), *_named(found.view, workload))
    )
    for kind, name in wants:
        if name not in held[kind]:
            _put_named(connection, found, SECRETS if kind == "secret" else CONFIG_MAPS, name)
    found.view.complete = not found.unread


class _KindLister:
    """Lists kinds, in all namespaces or, where that is forbidden, in one."""

    def __init__(self, connection: ApiClient, namespace: str, found: ClusterListing, *, only: bool) -> None:
        self._connection, self._namespace, self._only = connection, namespace, only
        self._unread, self._further = found.unread, found.view.workload_paths

    def read(self, kind: WatchedKind, resource: Resource) -> Iterator[dict[str, Any]]:
        """The objects of one kind."""
        try:
            yield from self._list(kind, resource, self._namespace if self._only else "")
            if self._only:
                self._unread.append(f"{resource.full_name} of other namespaces than {self._namespace}")
        except Forbidden as error:
            yield from self._in_one(kind, resource, error)
        except NotFound:  # gone since discovery
            return

    def _in_one(self, kind: WatchedKind, resource: Resource, error: Forbidden) -> Iterator[dict[str, Any]]:
        """The objects of the caller's own namespace, the only ones that it may see."""
        try:
            if not resource.namespaced:
                raise error
            yield from self._list(kind, resource, self._namespace)
            self._unread.append(f"{resource.full_name} of other namespaces than {self._namespace}: may not be listed")
        except Forbidden:
            self._unread.append(_not_listed(resource))
            if resource == NAMESPACES:
                yield from self._own_namespace()

    def _own_namespace(self) -> Iterator[dict[str, Any]]:
        try:
            yield self._connection.get(NAMESPACES, "", self._namespace) | {"apiVersion": "v1", "kind": "Namespace"}
        except ClusterError:
            return  # that namespaces may not be read has been said

    def _list(self, kind: WatchedKind, resource: Resource, namespace: str) -> Iterator[dict[str, Any]]:
        """Page by page; nothing is held but the objects as verdicts need them."""
        followed = WatchTarget(kind, resource, namespace)
        query: dict[str, str | int] = {"limit": PAGE}
        query |= {"labelSelector": kind.labels} if kind.labels else {}
        query |= {"fieldSelector": kind.fields} if kind.fields else {}
        while True:
            page = self._page(resource, namespace, query)
            yield from (
                trim(item, followed, self._further) for item in sequence(page.get("items")) if isinstance(item, dict)
            )
            rest = text(dig(page, "metadata", "continue"))
            if not rest:
                return
            query["continue"] = rest

    def _page(self, resource: Resource, namespace: str, query: Query) -> Mapping[str, Any]:
        """Pods come whole: what injection has written into their spec is seen there."""
        return mapping(load_json_cut(self._connection.page(resource, namespace, query, JSON)))

    def named(self, followed: Iterable[WatchTarget]) -> Iterator[dict[str, Any]]:
        """ConfigMaps by name; those that are not there are no news."""
        for one in followed:
            name = one.watched.fields.rpartition("=")[2]
            try:
                yield self._connection.get(CONFIG_MAPS, one.namespace, name) | {"apiVersion": "v1", "kind": "ConfigMap"}
            except NotFound:
                continue
            except Forbidden:
                self._unread.append(f"configmap {one.namespace}/{name}: may not be read")


def _not_listed(resource: Resource) -> str:
    return f"{resource.full_name}: may not be listed"


def _put_named(connection: ApiClient, found: ClusterListing, resource: Resource, name: Name) -> None:
    try:
        found.view.put(connection.get(resource, *name) | {"apiVersion": "v1", "kind": resource.kind})
    except NotFound:
        return
    except Forbidden:
        found.unread.append(f"{resource.kind.lower()} {'/'.join(name)}: may not be read")


def _mounted(workload: Workload) -> Iterator[tuple[str, Name]]:
    """Kind and name of what the volumes of the pod, and those of the annotation, are made of."""
    pod = workload.template
    for volume in (*pod.volumes, *read_user_volumes(pod).volumes):
        for source in volume.sources:
            yield from ((kind, (workload.namespace, name)) for kind, name in _sources(source))


def _named(view: Snapshot, workload: Workload) -> Iterator[tuple[str, Name]]:
    """The Secrets that annotations of ours and the rules in its reach name for the workload."""
    declared = read_declaration(workload.template.annotations)
    for name in declared.secrets:
        yield "secret", (workload.namespace, name)
    for rule in view.config.rules:
        credentials = [tls.credential_name for tls in rule.settings() if rule.selector is not None]
        asked = rule.annotations.get(CLIENT_SECRET, "") if declared.inject else ""
        for name in (*credentials, asked):
            if name:
                yield "secret", (workload.namespace, name)


def _sources(source: Source) -> Iterator[tuple[str, str]]:
    if source.kind in ("secret", "configMap") and source.name:
        yield source.kind, source.name
    for part in source.parts:
        yield from _sources(part)
