"""Whether the CA bundle of every entry is the one that the leader wrote, and verifies what is served."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from webhook.doctor.check import Check, DoctorContext, Handshake, by_leader
from webhook.doctor.webhook_configurations import ComparedConfiguration
from webhook.leader.ca_bundle_plan import PUBLISHED
from webhook.leader.webhook_entries import entries_of
from webhook.model.raw_object import Manifest, dig, text, texts

_CA_INJECTOR = "cert-manager.io/inject-ca-from"
_SHOWN = 4
Bundles = Mapping[bytes, Sequence[str]]
"""The entries that hold a bundle, by the bundle; b"" for none, or for what is no base64."""


def check_bundles(
    found: DoctorContext, pairs: Iterable[ComparedConfiguration], handshake: Handshake | None, wrong: Sequence[Check]
) -> Iterator[Check]:
    """wrong: what was looked at before, and may be why nobody repairs them."""
    live = [pair.live for pair in pairs if pair.live]
    bundles, remedy = _by_bundle(live), _repair(found, live, wrong)
    if b"" in bundles:
        told = f"{_names(bundles[b''])} has none: every call for it fails"
        yield Check("CA bundle", good=False, told=told, remedy=remedy)
    overwritten = [name for manifest in live for name in _overwritten(manifest)]
    if overwritten:
        told = f"{_names(overwritten)} holds another one than the leader wrote"
        yield Check("CA bundle", good=False, told=told, remedy=remedy)
    for bundle, names in bundles.items():
        if bundle and (handshake or not overwritten):
            yield _bundle(found, bundle, names, handshake, remedy)
            if not handshake:
                return


def _by_bundle(live: Iterable[Manifest]) -> Bundles:
    found: dict[bytes, list[str]] = {}
    for manifest in live:
        for name, entry in entries_of(manifest).items():
            found.setdefault(_decoded(entry), []).append(name)
    return found


def _decoded(entry: Manifest) -> bytes:
    try:
        return base64.b64decode(text(dig(entry, "clientConfig", "caBundle")), validate=True)
    except binascii.Error:
        return b""


def _overwritten(manifest: Manifest) -> Iterator[str]:
    """The entries whose bundle is not the one of which the leader wrote the digest."""
    _, _, digest = texts(dig(manifest, "metadata", "annotations")).get(PUBLISHED, "").partition(" ")
    for name, entry in entries_of(manifest).items() if digest else ():
        bundle = _decoded(entry)
        if bundle and hashlib.sha256(bundle).hexdigest()[:16] != digest:
            yield name


def _bundle(
    found: DoctorContext, bundle: bytes, names: Sequence[str], handshake: Handshake | None, remedy: str
) -> Check:
    if handshake is None:
        forward = found.kubectl(f"port-forward deployment/{found.name} {found.port}")
        inside = found.kubectl(f"exec deployment/{found.name} -- mtls-guard doctor")
        told = "whether it fits what is served was not tried"
        how = f"{forward}, then --connect 127.0.0.1:{found.port}; or {inside}"
        return Check("CA bundle", good=None, told=told, remedy=how)
    problem = handshake(bundle, found.port)
    if problem:
        told = f"the handshake with what is served failed for {_names(names)}: {problem}"
        return Check("CA bundle", good=False, told=told, remedy=remedy)
    return Check("CA bundle", good=True, told="it verifies what is served (a real handshake)")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _repair(found: DoctorContext, live: Iterable[Manifest], wrong: Sequence[Check]) -> str:
    """Who puts it right, or keeps it wrong."""
    if any(_CA_INJECTOR in texts(dig(manifest, "metadata", "annotations")) for manifest in live):
        why = f"annotation {_CA_INJECTOR} hands it to cert-manager's cainjector, which is not at work here"
        return f"{why}; {found.upgrade}"
    return by_leader(found, wrong, "a replica")
