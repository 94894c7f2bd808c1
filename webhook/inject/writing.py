"""Writes an addition into a pod template in memory: a plain dict, or a YAML document that keeps its comments."""

from collections.abc import MutableMapping
from typing import Any

from webhook.model.addition import Addition
from webhook.model.workload import PROXY
from webhook.trace.added_entries import mount_entry, volume_entry

Document = MutableMapping[str, Any]


def write(template: Document, addition: Addition) -> None:
    """Adds to the template, in place; what stood there stays, in its order."""
    if addition.annotations:
        _below(_below(template, "metadata"), "annotations").update(addition.annotations)
    elif addition:
        spec = _below(template, "spec")
        if addition.volumes:
            _list_in(spec, "volumes").extend(volume_entry(one) for one in addition.volumes)
        _list_in(_proxy(spec), "volumeMounts").extend(mount_entry(one) for one in addition.mounts)


def _proxy(spec: Document) -> Document:
    """The pod's own istio-proxy; a gateway that has none yet gets one for the injector to complete."""
    for name in ("initContainers", "containers"):
        for container in spec.get(name) or ():
            if isinstance(container, MutableMapping) and container.get("name") == PROXY:
                return container
    made: Document = {"name": PROXY, "image": "auto"}
    _list_in(spec, "containers").append(made)
    return made


def _below(holder: Document, key: str) -> Document:
    """The object under the key, made when it is absent or null."""
    if not isinstance(holder.get(key), MutableMapping):
        holder[key] = {}
    found: Document = holder[key]
    return found


def _list_in(holder: Document, key: str) -> list[Any]:
    """The list under the key, made when it is absent or null."""
    if not isinstance(holder.get(key), list):
        holder[key] = []
    found: list[Any] = holder[key]
    return found
