"""What the CA bundles of the entries should hold; pure, and blind to what is in a certificate.

A bundle grows at once, and shrinks late: a CA that a replica needs is added by that replica as soon as it is missing.
A CA that no replica names any more stays until all bundles have been unchanged for a while, and no replica of another
Pod template is left. So no review is lost while mode, issuer or CA change, whichever replica leads.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PUBLISHED = "mtls-guard.io/ca-bundle"
"""An annotation: since when the configuration holds the bundle that we wrote, and a digest of it."""
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
Blocks = tuple[bytes, ...]
"""Certificates as PEM, each once."""


@dataclass(frozen=True, slots=True)
class PublishedBundles:
    """What the entries of one configuration hold. version: its resourceVersion. bundles: by entry, may be empty.

    since: when we wrote them; None where an entry holds something else than we wrote.
    """

    name: str
    version: str
    bundles: Mapping[str, bytes]
    since: datetime | None

    @property
    def blocks(self) -> Blocks:
        """The CAs that we wrote; none where others did."""
        bundles = self.bundles.values() if self.since else ()
        return tuple(dict.fromkeys(block for bundle in bundles for block in blocks_of(bundle)))

    def holds(self, authorities: Iterable[bytes]) -> bool:
        """Whether every entry holds these."""
        return all(set(authorities) <= set(blocks_of(bundle)) for bundle in self.bundles.values())


def blocks_of(bundle: bytes) -> Blocks:
    """The certificates of a bundle, with the same white space for the same certificate."""
    return tuple(dict.fromkeys(block.replace(b"\r", b"") for block in _BLOCK.findall(bundle)))


def joined(blocks: Iterable[bytes]) -> bytes:
    """Certificates as a bundle, in an order that depends on nothing else."""
    return b"".join(block + b"\n" for block in sorted(blocks))


def grown(published: Iterable[PublishedBundles], own: Blocks) -> Blocks:
    """Our own CAs, and after them every other one that we wrote before."""
    return tuple(dict.fromkeys((*own, *(block for each in published for block in each.blocks))))


def settled(published: Sequence[PublishedBundles], authorities: Iterable[bytes], at: datetime, span: timedelta) -> bool:
    """Whether every configuration has held these for so long, in the bundle that it has now."""
    own = tuple(authorities)
    held = [each.since for each in published if each.bundles]
    return (
        bool(held)
        and all(since and at - since >= span for since in held)
        and all(each.holds(own) for each in published)
    )


def stamp(bundle: bytes, at: datetime) -> str:
    """The value of the annotation."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {hashlib.sha256(bundle).hexdigest()[:16]}"


def since(value: str, bundles: Sequence[bytes], at: datetime) -> datetime | None:
    """When these bundles were written by us; None where one of them is another, or the time is none, or yet to come."""
    written, _, digest = value.partition(" ")
    if any(hashlib.sha256(bundle).hexdigest()[:16] != digest for bundle in bundles):
        return None
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        return None
    return instant if instant.tzinfo and instant <= at + timedelta(minutes=1) else None
