"""Writes planned additions into a pod template in memory: a dict, or a YAML document that preserves comments."""

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from webhook.istio.injector.annotation_append import Entry
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.opt_in_annotations import INJECTED
from webhook.model.injection_plan import Addition, is_own
from webhook.model.workload import PROXY
from webhook.trace.injected_entries import mount_entry, volume_entry
from webhook.trace.managed_entries import ANNOTATIONS, annotated, noted

Document = MutableMapping[str, Any]


def write(template: Document, addition: Addition) -> None:
    """Writes the addition and removes earlier additions of mtls-guard; all other content keeps its order."""
    volumes = [volume_entry(planned) for planned in addition.volumes]
    mounts = [mount_entry(planned) for planned in addition.mounts]
    _annotate(template, *(((), ()) if addition.in_spec else (volumes, mounts)))
    _note(template, noted(addition.mounts) if addition.in_spec else "")
    if addition.in_spec:
        _replace_own_entries(_below(template, "spec"), "volumes", volumes)
        _replace_own_entries(_proxy(_below(template, "spec")), "volumeMounts", mounts)
        return
    spec = template.get("spec")
    for holder, key in ((spec, "volumes"), *((proxy, "volumeMounts") for proxy in _proxies(spec))):
        if isinstance(holder, MutableMapping):
            _replace_own_entries(holder, key, ())


def _annotate(template: Document, volumes: Sequence[Entry], mounts: Sequence[Entry]) -> None:
    """Updates the two annotations of Istio, only if they change."""
    metadata = template.get("metadata")
    before = metadata.get("annotations") if isinstance(metadata, MutableMapping) else None
    texts = {name: before[name] for name in ANNOTATIONS if name in before} if isinstance(before, MutableMapping) else {}
    after = annotated(texts, {USER_VOLUME: volumes, USER_VOLUME_MOUNT: mounts})
    if after == texts:
        return
    annotations = _below(_below(template, "metadata"), "annotations")
    for name in ANNOTATIONS:
        if name not in after:
            annotations.pop(name, None)
        elif after[name] != texts.get(name):
            annotations[name] = after[name]


def _note(template: Document, text: str) -> None:
    """Records the mounts of the pod spec in an annotation, for readers that watch only the metadata of Pods."""
    metadata = template.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, MutableMapping) else None
    before = annotations.get(INJECTED) if isinstance(annotations, MutableMapping) else None
    if text and text != before:
        _below(_below(template, "metadata"), "annotations")[INJECTED] = text
    elif before is not None and not text and isinstance(annotations, MutableMapping):
        del annotations[INJECTED]


def _replace_own_entries(holder: Document, key: str, entries: Sequence[Entry]) -> None:
    """Replaces the entries of mtls-guard in the list `holder[key]` with these entries."""
    listed = holder.get(key)
    before = listed if isinstance(listed, list) else []
    stale = [listed_entry for listed_entry in before if _is_own(listed_entry) and listed_entry not in entries]
    missing = [listed_entry for listed_entry in entries if listed_entry not in before]
    if not (stale or missing):
        return
    if not isinstance(listed, list):
        holder[key] = before
    for listed_entry in stale:
        before.remove(listed_entry)
    before.extend(missing)
    if not before:
        del holder[key]


def _is_own(entry: object) -> bool:
    name = entry.get("name") if isinstance(entry, MutableMapping) else None
    return isinstance(name, str) and is_own(name)


def _proxies(spec: object) -> Iterator[Document]:
    """The istio-proxy containers of the Pod."""
    for name in ("initContainers", "containers"):
        listed = spec.get(name) if isinstance(spec, MutableMapping) else None
        for container in listed if isinstance(listed, list) else ():
            if isinstance(container, MutableMapping) and container.get("name") == PROXY:
                yield container


def _proxy(spec: Document) -> Document:
    """The istio-proxy container; if it is missing, adds one that Istio's injector completes (gateways)."""
    proxy = next(_proxies(spec), None)
    if proxy is not None:
        return proxy
    container: Document = {"name": PROXY, "image": "auto"}
    if not isinstance(spec.get("containers"), list):
        spec["containers"] = []
    spec["containers"].append(container)
    return container


def _below(holder: Document, key: str) -> Document:
    """The mapping `holder[key]`, created if it is absent or null."""
    if not isinstance(holder.get(key), MutableMapping):
        holder[key] = {}
    below: Document = holder[key]
    return below
