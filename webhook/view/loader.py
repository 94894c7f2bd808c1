"""Puts one raw object into a Snapshot: which reader reads the kind, and where what it reads is held."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from webhook.kinds.controllers import is_controlled
from webhook.kinds.destination_rule import read_destination_rule
from webhook.kinds.mutating_webhook_configuration import read_injecting
from webhook.kinds.namespace import read_namespace
from webhook.kinds.producer import is_namespaced, makes, read_producers
from webhook.kinds.registry import ROUTING_KINDS
from webhook.kinds.service import read_services
from webhook.kinds.sidecar import read_sidecar
from webhook.kinds.virtual_service import read_virtual_service
from webhook.kinds.workload import TEMPLATE_PATHS, read_workload
from webhook.model.finding import ObjectRef
from webhook.model.raw_object import Manifest, dig, group_of, mapping, namespace_of, text
from webhook.model.webhook_configuration import InjectingEntry
from webhook.view.mesh_sources import MeshSource, learn

if TYPE_CHECKING:
    from webhook.view.snapshot import Snapshot

ISTIO = "networking.istio.io"
INJECTOR_MAP = "istio-sidecar-injector"
_ISTIO_KINDS = frozenset(ROUTING_KINDS)


def take_in(snapshot: "Snapshot", manifest: Manifest) -> None:
    """Holds the object; a kind that no reader reads is ignored."""
    kind, group = text(manifest.get("kind")), group_of(text(manifest.get("apiVersion")))
    put = _PUTS.get((group, kind))
    if put is not None:
        put(snapshot, manifest)
    elif kind in TEMPLATE_PATHS or (group, kind) in snapshot.workload_paths:
        _put_workload(snapshot, manifest)
    elif makes((group, kind), snapshot.made.further):
        _put_producer(snapshot, manifest)


def _put_workload(snapshot: "Snapshot", manifest: Manifest) -> None:
    workload = read_workload(manifest, snapshot.workload_paths)
    if workload is not None:
        index = snapshot.pods if is_controlled(workload, snapshot.workload_paths) else snapshot.workloads
        if index.get(workload.ref) != workload:  # a status changes far more often than what a verdict looks at
            index.put(workload)
            snapshot.recount(workload.namespace)


def _put_rule(snapshot: "Snapshot", manifest: Manifest) -> None:
    rule = read_destination_rule(manifest)
    if snapshot.config.rules.get(rule.ref) != rule:
        snapshot.config.rules.put(rule)
        snapshot.changed()


def _put_services(snapshot: "Snapshot", manifest: Manifest) -> None:
    services, held = read_services(manifest, snapshot.mesh.cluster_domain), snapshot.config.services
    if services and held.of_object(services[0].ref) == services:
        return
    held.remove(_ref(manifest))
    for service in services:
        held.put(service)
    snapshot.changed()


def _put_route(snapshot: "Snapshot", manifest: Manifest) -> None:
    snapshot.config.routes.put(read_virtual_service(manifest))
    snapshot.changed()


def _put_sidecar(snapshot: "Snapshot", manifest: Manifest) -> None:
    snapshot.config.sidecars.put(read_sidecar(manifest))
    snapshot.forget_past(namespace_of(manifest))
    snapshot.changed()


def _put_namespace(snapshot: "Snapshot", manifest: Manifest) -> None:
    namespace = read_namespace(manifest)
    if snapshot.namespaces.get(namespace.name) != namespace:
        snapshot.namespaces[namespace.name] = namespace
        snapshot.recount(namespace.name)
        snapshot.changed()


def _put_secret(snapshot: "Snapshot", manifest: Manifest) -> None:
    from webhook.material import read_secret  # the only way to X.509, which costs a tenth of a second to import

    facts = read_secret(manifest)
    snapshot.secrets[facts.ref.namespace, facts.ref.name] = facts
    snapshot.recount(facts.ref.namespace)


def _put_config_map(snapshot: "Snapshot", manifest: Manifest) -> None:
    from webhook.material import read_config_map

    facts = read_config_map(manifest)
    snapshot.config_maps[facts.ref.namespace, facts.ref.name] = facts
    if isinstance(dig(manifest, "data", "mesh"), str) and facts.ref.name.startswith("istio"):
        learn(snapshot, MeshSource("mesh", facts.ref.namespace, facts.ref.name), manifest)
    elif facts.ref.name.startswith(INJECTOR_MAP):
        learn(snapshot, MeshSource("injector", facts.ref.namespace, facts.ref.name), manifest)
    else:
        snapshot.recount(facts.ref.namespace)


def _put_webhooks(snapshot: "Snapshot", manifest: Manifest) -> None:
    """A configuration of Istio's injector, or one of mtls-guard's own."""
    name = _ref(manifest).name
    learn(snapshot, MeshSource("webhook", "", name), manifest)
    _inject_by(snapshot, name, read_injecting(manifest))


def _inject_by(snapshot: "Snapshot", name: str, entries: tuple[InjectingEntry, ...]) -> None:
    if snapshot.injecting.get(name, ()) == entries:
        return
    others = {key: held for key, held in snapshot.injecting.items() if key != name}
    snapshot.injecting = {**others, name: entries} if entries else others
    snapshot.tallies.clear()
    snapshot.changed()


def _put_producer(snapshot: "Snapshot", manifest: Manifest) -> None:
    ref = _ref(manifest)
    snapshot.made.served.add((group_of(ref.api_version), ref.kind))
    snapshot.made.put(ref, read_producers(manifest, snapshot.made.further))
    _recount_for(snapshot, ref)


def _recount_for(snapshot: "Snapshot", producer: ObjectRef) -> None:
    """Counts anew wherever what the producer makes may count."""
    if is_namespaced((group_of(producer.api_version), producer.kind)):
        snapshot.recount(producer.namespace)
    else:
        snapshot.tallies.clear()


def _put_definition(snapshot: "Snapshot", manifest: Manifest) -> None:
    """A CustomResourceDefinition in the input: its kind is served, and objects of it may follow."""
    key = (text(dig(manifest, "spec", "group")), text(dig(manifest, "spec", "names", "kind")))
    if makes(key, snapshot.made.further):
        snapshot.made.served.add(key)


def _ref(manifest: Manifest) -> ObjectRef:
    name = text(mapping(manifest.get("metadata")).get("name"))
    return ObjectRef(text(manifest.get("apiVersion")), text(manifest.get("kind")), namespace_of(manifest), name)


_PUTS: Mapping[tuple[str, str], Callable[["Snapshot", Manifest], None]] = {
    (ISTIO, "DestinationRule"): _put_rule,
    (ISTIO, "ServiceEntry"): _put_services,
    (ISTIO, "VirtualService"): _put_route,
    (ISTIO, "Sidecar"): _put_sidecar,
    ("", "Service"): _put_services,
    ("", "Namespace"): _put_namespace,
    ("", "Secret"): _put_secret,
    ("", "ConfigMap"): _put_config_map,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _put_webhooks,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _put_definition,
}


def forget(snapshot: "Snapshot", ref: ObjectRef) -> None:
    """Forgets the object; nothing happens when it is not held."""
    if ref.kind in _ISTIO_KINDS:
        _index_of(snapshot, ref.kind).remove(ref)
        if ref.kind == "Sidecar":
            snapshot.forget_past(ref.namespace)
        snapshot.changed()
    elif ref.kind == "Namespace":
        snapshot.namespaces.pop(ref.name, None)
        snapshot.forget_past(ref.name)
        snapshot.recount(ref.name)
        snapshot.changed()
    elif ref.kind in ("Secret", "ConfigMap"):
        _forget_content(snapshot, ref)
    elif ref.kind == "MutatingWebhookConfiguration":
        learn(snapshot, MeshSource("webhook", "", ref.name), None)
        _inject_by(snapshot, ref.name, ())
    elif makes((group_of(ref.api_version), ref.kind), snapshot.made.further):
        snapshot.made.remove(ref)
        _recount_for(snapshot, ref)
    else:
        snapshot.workloads.remove(ref)
        snapshot.pods.remove(ref)
        snapshot.recount(ref.namespace)


class _Removing(Protocol):
    def remove(self, ref: ObjectRef, /) -> None:
        """Forgets the object of that reference."""


def _index_of(snapshot: "Snapshot", kind: str) -> _Removing:
    config = snapshot.config
    held: Mapping[str, _Removing] = {
        "DestinationRule": config.rules,
        "VirtualService": config.routes,
        "Sidecar": config.sidecars,
    }
    return held.get(kind, config.services)


def _forget_content(snapshot: "Snapshot", ref: ObjectRef) -> None:
    key = (ref.namespace, ref.name)
    if ref.kind == "Secret":
        snapshot.secrets.pop(key, None)
    else:
        snapshot.config_maps.pop(key, None)
        for source in (MeshSource("mesh", *key), MeshSource("injector", *key)):
            if source in snapshot.mesh_sources:
                learn(snapshot, source, None)
    snapshot.hidden.add((ref.kind, *key))
    snapshot.recount(ref.namespace)
