"""Reads a Sidecar; never raises on shape, and leaves what it lets through to `istio.pilot.sidecar_scope`."""

from collections.abc import Iterator

from webhook.kinds.destination_rule import ref_of
from webhook.kinds.list_limits import entries, names
from webhook.model.mesh import EgressListener, Sidecar
from webhook.model.raw_object import Manifest, dig, mapping, number, text, texts

_FILES = ("serverCertificate", "privateKey", "caCertificates", "caCrl")


def read_sidecar(manifest: Manifest) -> Sidecar:
    """The Sidecar of a raw manifest of any served version; odd fields read as absent."""
    spec, meta = mapping(manifest.get("spec")), mapping(manifest.get("metadata"))
    selector = spec.get("workloadSelector")
    return Sidecar(
        ref=ref_of(manifest, "Sidecar"),
        selector=dict(texts(selector.get("labels"))) if isinstance(selector, dict) else None,
        egress=_egress(spec.get("egress")),
        outbound_mode=text(dig(spec, "outboundTrafficPolicy", "mode")),
        created=text(meta.get("creationTimestamp")),
        labels=texts(meta.get("labels")),
        ingress_files=tuple(_ingress_files(spec.get("ingress"))),
    )


def _ingress_files(value: object) -> Iterator[str]:
    """The files with which the sidecar's own listeners speak TLS."""
    for listener in entries(value):
        tls = dig(listener, "tls")
        yield from (path for field in _FILES if (path := text(dig(tls, field))))


def _egress(value: object) -> tuple[EgressListener, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(
        EgressListener(names(entry.get("hosts")), _trimming_port(entry), f"spec.egress[{index}]")
        for index, entry in enumerate(entries(value))
        if isinstance(entry, dict)
    )


def _trimming_port(entry: Manifest) -> int | None:
    """The port to which the listener trims services; a generic HTTP proxy listener trims none."""
    if text(dig(entry, "port", "protocol")).upper() == "HTTP_PROXY":
        return None
    return number(dig(entry, "port", "number")) or None
