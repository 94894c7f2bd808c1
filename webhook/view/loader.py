"""Parses one manifest with the reader of its kind, and stores the result or removes it."""

from collections.abc import Callable, Mapping
from typing import Protocol

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
from webhook.view.mesh_settings import store_mesh_source
from webhook.view.mesh_source import MeshSource
from webhook.view.stored_objects import StoredObjects

ISTIO = "networking.istio.io"
INJECTOR_MAP = "istio-sidecar-injector"
_ISTIO_KINDS = frozenset(ROUTING_KINDS)


def put_object(objects: StoredObjects, manifest: Manifest) -> None:
    """Parses and stores the object. Kinds without a reader are ignored."""
    kind, group = text(manifest.get("kind")), group_of(text(manifest.get("apiVersion")))
    put = _PUTS.get((group, kind))
    if put is not None:
        put(objects, manifest)
    elif kind in TEMPLATE_PATHS or (group, kind) in objects.workload_paths:
        _put_workload(objects, manifest)
    elif makes((group, kind), objects.made.further):
        _put_producer(objects, manifest)


def _put_workload(objects: StoredObjects, manifest: Manifest) -> None:
    workload = read_workload(manifest, objects.workload_paths)
    if workload is not None:
        index = objects.pods if is_controlled(workload, objects.workload_paths) else objects.workloads
        if (
            index.get(workload.ref) != workload
        ):  # status changes are far more frequent than changes of fields that verdicts use
            index.put(workload)
            objects.recount(workload.namespace)


def _put_destination_rule(objects: StoredObjects, manifest: Manifest) -> None:
    rule = read_destination_rule(manifest)
    if objects.config.rules.get(rule.ref) != rule:
        objects.config.rules.put(rule)
        objects.changed()


def _put_services(objects: StoredObjects, manifest: Manifest) -> None:
    services, index = read_services(manifest, objects.mesh.cluster_domain), objects.config.services
    if services and index.of_object(services[0].ref) == services:
        return
    index.remove(_ref(manifest))
    for service in services:
        index.put(service)
    objects.changed()


def _put_route(objects: StoredObjects, manifest: Manifest) -> None:
    objects.config.routes.put(read_virtual_service(manifest))
    objects.changed()


def _put_sidecar(objects: StoredObjects, manifest: Manifest) -> None:
    objects.config.sidecars.put(read_sidecar(manifest))
    objects.forget_past(namespace_of(manifest))
    objects.changed()


def _put_namespace(objects: StoredObjects, manifest: Manifest) -> None:
    namespace = read_namespace(manifest)
    if objects.namespaces.get(namespace.name) != namespace:
        objects.namespaces[namespace.name] = namespace
        objects.recount(namespace.name)
        objects.changed()


def _put_secret(objects: StoredObjects, manifest: Manifest) -> None:
    from webhook.material import read_secret  # imported late: it imports cryptography, which takes 0.1 s

    facts = read_secret(manifest)
    objects.secrets[facts.ref.namespace, facts.ref.name] = facts
    objects.recount(facts.ref.namespace)


def _put_config_map(objects: StoredObjects, manifest: Manifest) -> None:
    from webhook.material import read_config_map

    facts = read_config_map(manifest)
    objects.config_maps[facts.ref.namespace, facts.ref.name] = facts
    if isinstance(dig(manifest, "data", "mesh"), str) and facts.ref.name.startswith("istio"):
        store_mesh_source(objects, MeshSource("mesh", facts.ref.namespace, facts.ref.name), manifest)
    elif facts.ref.name.startswith(INJECTOR_MAP):
        store_mesh_source(objects, MeshSource("injector", facts.ref.namespace, facts.ref.name), manifest)
    else:
        objects.recount(facts.ref.namespace)


def _put_webhook_configuration(objects: StoredObjects, manifest: Manifest) -> None:
    """Stores a MutatingWebhookConfiguration of Istio's injector or of mtls-guard."""
    name = _ref(manifest).name
    store_mesh_source(objects, MeshSource("webhook", "", name), manifest)
    _store_injecting(objects, name, read_injecting(manifest))


def _store_injecting(objects: StoredObjects, name: str, entries: tuple[InjectingEntry, ...]) -> None:
    if objects.injecting.get(name, ()) == entries:
        return
    injecting = {configuration: stored for configuration, stored in objects.injecting.items() if configuration != name}
    objects.injecting = {**injecting, name: entries} if entries else injecting
    objects.tallies.clear()
    objects.changed()


def _put_producer(objects: StoredObjects, manifest: Manifest) -> None:
    ref = _ref(manifest)
    objects.made.served.add((group_of(ref.api_version), ref.kind))
    objects.made.put(ref, read_producers(manifest, objects.made.further))
    _discard_counts_of(objects, ref)


def _discard_counts_of(objects: StoredObjects, producer: ObjectRef) -> None:
    """Discards the counts of every namespace in which the producer can create a Secret or ConfigMap."""
    if is_namespaced((group_of(producer.api_version), producer.kind)):
        objects.recount(producer.namespace)
    else:
        objects.tallies.clear()


def _put_definition(objects: StoredObjects, manifest: Manifest) -> None:
    """Records that the kind of a CustomResourceDefinition is served, so that objects of it can be created later."""
    key = (text(dig(manifest, "spec", "group")), text(dig(manifest, "spec", "names", "kind")))
    if makes(key, objects.made.further):
        objects.made.served.add(key)


def _ref(manifest: Manifest) -> ObjectRef:
    name = text(mapping(manifest.get("metadata")).get("name"))
    return ObjectRef(text(manifest.get("apiVersion")), text(manifest.get("kind")), namespace_of(manifest), name)


_PUTS: Mapping[tuple[str, str], Callable[[StoredObjects, Manifest], None]] = {
    (ISTIO, "DestinationRule"): _put_destination_rule,
    (ISTIO, "ServiceEntry"): _put_services,
    (ISTIO, "VirtualService"): _put_route,
    (ISTIO, "Sidecar"): _put_sidecar,
    ("", "Service"): _put_services,
    ("", "Namespace"): _put_namespace,
    ("", "Secret"): _put_secret,
    ("", "ConfigMap"): _put_config_map,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _put_webhook_configuration,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _put_definition,
}


def remove_object(objects: StoredObjects, ref: ObjectRef) -> None:
    """Removes the object and results derived from it; does nothing if the object is not stored."""
    if ref.kind in _ISTIO_KINDS:
        _index_of(objects, ref.kind).remove(ref)
        if ref.kind == "Sidecar":
            objects.forget_past(ref.namespace)
        objects.changed()
    elif ref.kind == "Namespace":
        objects.namespaces.pop(ref.name, None)
        objects.forget_past(ref.name)
        objects.recount(ref.name)
        objects.changed()
    elif ref.kind in ("Secret", "ConfigMap"):
        _remove_secret_or_config_map(objects, ref)
    elif ref.kind == "MutatingWebhookConfiguration":
        store_mesh_source(objects, MeshSource("webhook", "", ref.name), None)
        _store_injecting(objects, ref.name, ())
    elif makes((group_of(ref.api_version), ref.kind), objects.made.further):
        objects.made.remove(ref)
        _discard_counts_of(objects, ref)
    else:
        objects.workloads.remove(ref)
        objects.pods.remove(ref)
        objects.recount(ref.namespace)


class _RemovableIndex(Protocol):
    def remove(self, ref: ObjectRef, /) -> None:
        """Removes the object with this reference."""


def _index_of(objects: StoredObjects, kind: str) -> _RemovableIndex:
    config = objects.config
    indexes: Mapping[str, _RemovableIndex] = {
        "DestinationRule": config.rules,
        "VirtualService": config.routes,
        "Sidecar": config.sidecars,
    }
    return indexes.get(kind, config.services)


def _remove_secret_or_config_map(objects: StoredObjects, ref: ObjectRef) -> None:
    key = (ref.namespace, ref.name)
    if ref.kind == "Secret":
        objects.secrets.pop(key, None)
    else:
        objects.config_maps.pop(key, None)
        for source in (MeshSource("mesh", *key), MeshSource("injector", *key)):
            if source in objects.mesh_sources:
                store_mesh_source(objects, source, None)
    objects.hidden.add((ref.kind, *key))
    objects.recount(ref.namespace)
