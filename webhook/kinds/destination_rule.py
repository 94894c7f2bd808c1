"""Reads a DestinationRule; never raises on shape, and leaves what Istio makes of it to `istio`."""

from collections.abc import Sized

from webhook.kinds.list_limits import ENTRIES, NAMES, cut_short, entries, left_out, names
from webhook.kinds.pruned_fields import LAST_APPLIED, pruned_fields
from webhook.kinds.tls_settings import read_tls
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule, PortPolicy, Subset, TrafficPolicy
from webhook.model.raw_object import Manifest, dig, mapping, namespace_of, number, sequence, text, texts


def read_destination_rule(manifest: Manifest) -> DestinationRule:
    """The DestinationRule of a raw manifest of any served version; odd fields read as absent."""
    spec, meta = mapping(manifest.get("spec")), mapping(manifest.get("metadata"))
    annotations, unknown = texts(meta.get("annotations")), pruned_fields(manifest)
    return DestinationRule(
        ref=ref_of(manifest, "DestinationRule"),
        host=text(spec.get("host")),
        policy=_policy(spec.get("trafficPolicy"), "spec.trafficPolicy"),
        subsets=_subsets(spec.get("subsets")),
        export_to=names(spec.get("exportTo")),
        selector=_selector(spec.get("workloadSelector")),
        created=text(meta.get("creationTimestamp")),
        labels=texts(meta.get("labels")),
        annotations={name: value for name, value in annotations.items() if name != LAST_APPLIED},
        unknown=unknown,
        terminating=bool(text(meta.get("deletionTimestamp"))),
        left_out=(*_left_out(spec), *_untold(unknown)),
    )


def ref_of(manifest: Manifest, kind: str) -> ObjectRef:
    """Names the object of a namespaced manifest; without a namespace it is `default`, as kubectl has it."""
    meta = mapping(manifest.get("metadata"))
    name = text(meta.get("name")) or text(meta.get("generateName"))
    return ObjectRef(text(manifest.get("apiVersion")), kind, namespace_of(manifest), name)


def _policy(value: object, path: str, most: int = ENTRIES) -> TrafficPolicy | None:
    """The policy with at most so many port entries."""
    if not isinstance(value, dict):
        return None
    listed = entries(value.get("portLevelSettings"))[:most]
    ports = tuple(_port(entry, f"{path}.portLevelSettings[{index}]") for index, entry in enumerate(listed))
    return TrafficPolicy(path, read_tls(value.get("tls"), f"{path}.tls"), ports)


def _port(value: object, path: str) -> PortPolicy:
    return PortPolicy(number(dig(value, "port", "number")), read_tls(dig(value, "tls"), f"{path}.tls"), path)


def _subsets(value: object) -> tuple[Subset, ...]:
    """The subsets; all together have no more port entries than NAMES."""
    subsets, left = [], NAMES
    for index, entry in enumerate(entries(value)):
        if isinstance(entry, dict):
            path = f"spec.subsets[{index}]"
            policy = _policy(entry.get("trafficPolicy"), f"{path}.trafficPolicy", left)
            left -= len(policy.ports) if policy else 0
            subsets.append(Subset(text(entry.get("name")), path, texts(entry.get("labels")), policy))
    return tuple(subsets)


def _untold(unknown: Sized) -> tuple[str, ...]:
    """Says that there may be more unknown fields than were looked for."""
    return (f"it has {ENTRIES} unknown fields or more, of which these are told",) if len(unknown) >= ENTRIES else ()


def _left_out(spec: Manifest) -> tuple[str, ...]:
    """What of the rule is not read, in words."""
    listed = (sequence(dig(subset, "trafficPolicy", "portLevelSettings")) for subset in entries(spec.get("subsets")))
    count = sum(len(ports[:ENTRIES]) for ports in listed)
    whole = "portLevelSettings of all subsets together"
    return (*left_out(spec, "spec"), *([cut_short(whole, count, NAMES)] if count > NAMES else []))


def _selector(value: object) -> dict[str, str] | None:
    return dict(texts(value.get("matchLabels"))) if isinstance(value, dict) else None
