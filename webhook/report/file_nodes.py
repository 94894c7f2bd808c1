"""One file that the sidecar is told to read, as links: path, mount, volume, Secret, key, and what is in it."""

from collections.abc import Iterator
from datetime import datetime

from webhook.model.chain import Chain, FileState, ResolvedFile
from webhook.model.finding import ObjectRef
from webhook.model.material import KeyFacts, Material
from webhook.report.tree_node import Link, LinkState
from webhook.trace.workload import WorkloadPicture

CERTIFICATES, KEYS = 4, 2
"""Drawn of one file."""


def file_link(picture: WorkloadPicture, chain: Chain) -> Link:
    """The path of one file and, below it, its mount, volume, Secret, data key and content, as far as they resolve."""
    link = Link(_mark(chain.file.state), f"{chain.field} {chain.path}")
    link.below.extend(_mount_and_source(picture, chain.file))
    return link


def _mount_and_source(picture: WorkloadPicture, file: ResolvedFile) -> Iterator[Link]:
    if file.mount is None:
        is_valid = file.state in (FileState.BUILT_IN, FileState.UNKNOWN)
        mark = _mark(file.state) if is_valid else LinkState.BROKEN
        yield Link(mark, file.reason or "no mount of istio-proxy covers it")
        return
    places = ((picture.ref, file.mount.path),) if file.mount.path else ()
    yield Link(LinkState.HOLDS, f'mount "{file.mount.mount_path}"', places)
    if file.volume is None:
        yield Link(LinkState.BROKEN, f'the pod has no volume "{file.mount.name}"')
        return
    places = ((picture.ref, file.volume.path),) if file.volume.path else ()
    yield Link(LinkState.HOLDS, f'volume "{file.volume.name}"', places)
    yield from _source(picture, file)


def _source(picture: WorkloadPicture, file: ResolvedFile) -> Iterator[Link]:
    source = file.source
    if source is None or source.kind not in ("secret", "configMap"):
        if file.state is not FileState.PRESENT:
            yield Link(_mark(file.state), file.reason or str(file.state))
        return
    ref = ObjectRef("v1", "Secret" if source.kind == "secret" else "ConfigMap", picture.workload.namespace, source.name)
    gone = file.state is FileState.NO_OBJECT
    unseen = file.state is FileState.NOT_IN_INPUT
    suffix = " does not exist" if gone else " is not in the input" if unseen else ""
    yield Link(
        LinkState.BROKEN if gone else LinkState.UNKNOWN if unseen else LinkState.HOLDS, f"{ref}{suffix}", ((ref, ""),)
    )
    if gone or unseen:
        return
    key = file.key or file.path.rpartition("/")[2]
    problem = "" if file.state is FileState.PRESENT else f": {file.reason or file.state}"
    yield Link(_mark(file.state), f'key "{key}"{problem}', ((ref, f'key "{key}"'),))
    if file.material is not None and file.state is FileState.PRESENT:
        yield from _facts(file.material, picture.horizon.at, (ref, f'key "{key}"'))


def _facts(material: Material, at: datetime, place: tuple[ObjectRef, str]) -> Iterator[Link]:
    """The certificates and keys, in words; findings about the key of the Secret hang on what is broken in it."""
    for certificate in material.certificates[:CERTIFICATES]:
        valid = certificate.not_before <= at < certificate.not_after
        until = f"valid until {certificate.not_after:%Y-%m-%d} ({(certificate.not_after - at).days} days)"
        span = until if valid else f"valid {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
        issuer = "" if certificate.self_issued else f", issued by {certificate.issuer}"
        text = f"certificate {certificate.subject or 'without a subject'}{issuer}, {span}"
        yield Link(LinkState.HOLDS if valid else LinkState.BROKEN, text, () if valid else (place,))
    if len(material.certificates) > CERTIFICATES:
        yield Link(LinkState.PLAIN, f"and {len(material.certificates) - CERTIFICATES} more certificates")
    for key in material.keys[:KEYS]:
        yield Link(LinkState.BROKEN, _key(key), (place,)) if key.encrypted else Link(LinkState.HOLDS, _key(key))


def _key(key: KeyFacts) -> str:
    """`private key, EC P-256`; of an encrypted one the kind may stay unknown."""
    kind = f"{key.key_type} {key.curve or key.key_bits or ''}".strip()
    return ", ".join(filter(None, ("private key", kind, "encrypted" if key.encrypted else "")))


def _mark(state: FileState) -> LinkState:
    if state in (FileState.PRESENT, FileState.BUILT_IN):
        return LinkState.HOLDS
    return LinkState.UNKNOWN if state in (FileState.UNKNOWN, FileState.NOT_IN_INPUT) else LinkState.BROKEN
