"""Reads a VirtualService: which hosts, which routes, where to; never raises on shape.

Leaves which route a call takes to `istio.pilot.virtual_services`.
"""

from collections.abc import Iterator
from dataclasses import replace

from webhook.kinds.destination_rule import ref_of
from webhook.kinds.list_limits import entries, names
from webhook.model.mesh import Route, RouteTarget, VirtualService
from webhook.model.raw_object import Manifest, dig, mapping, number, text, texts

_UNCONDITIONAL = frozenset({"port", "gateways", "name", "statPrefix", "ignoreUriCase"})
"""Match fields that say nothing about the request itself."""


def read_virtual_service(manifest: Manifest) -> VirtualService:
    """The VirtualService of a raw manifest of any served version; odd fields read as absent."""
    spec, meta = mapping(manifest.get("spec")), mapping(manifest.get("metadata"))
    ref = ref_of(manifest, "VirtualService")
    routes = (route for kind in ("http", "tls", "tcp") for route in _routes(spec.get(kind), kind, ref.namespace))
    return VirtualService(
        ref=ref,
        hosts=names(spec.get("hosts")),
        routes=tuple(routes),
        gateways=names(spec.get("gateways")),
        export_to=names(spec.get("exportTo")),
        created=text(meta.get("creationTimestamp")),
        labels=texts(meta.get("labels")),
    )


def _routes(value: object, kind: str, namespace: str) -> Iterator[Route]:
    """One Route for each match of each entry, so that ports and conditions of different matches do not mix."""
    for index, entry in enumerate(entries(value)):
        targets = _targets(mapping(entry), f"spec.{kind}[{index}]")
        name = text(dig(entry, "delegate", "name"))
        delegate = (text(dig(entry, "delegate", "namespace")) or namespace, name) if name else None
        for match in entries(mapping(entry).get("match")) or ({},):
            yield replace(_route(mapping(match), kind, targets), delegate=delegate)


def _route(match: Manifest, kind: str, targets: tuple[RouteTarget, ...]) -> Route:
    port = number(match.get("port"))
    ports = () if port is None else (port,)
    return Route(kind, ports, targets, names(match.get("gateways")), _conditional(match, kind))


def _conditional(match: Manifest, kind: str) -> bool:
    """Whether the match looks at more than the port: a path, headers, the caller; `/` as prefix is every path."""
    conditions = {key for key, value in match.items() if value not in (None, "", [], {})} - _UNCONDITIONAL
    if "uri" in conditions and kind == "http" and dig(match, "uri", "prefix") == "/":
        conditions.discard("uri")
    if kind == "tls":
        conditions.discard("sniHosts")
    return bool(conditions)


def _targets(entry: Manifest, path: str) -> tuple[RouteTarget, ...]:
    routed = (
        (mapping(route).get("destination"), f"{path}.route[{index}].destination")
        for index, route in enumerate(entries(entry.get("route")))
    )
    mirrors = (
        (mapping(mirror).get("destination"), f"{path}.mirrors[{index}].destination")
        for index, mirror in enumerate(entries(entry.get("mirrors")))
    )
    destinations = (*routed, (entry.get("mirror"), f"{path}.mirror"), *mirrors)
    return tuple(_target(value, where) for value, where in destinations if text(dig(value, "host")))


def _target(value: object, path: str) -> RouteTarget:
    return RouteTarget(text(dig(value, "host")), text(dig(value, "subset")), number(dig(value, "port", "number")), path)
