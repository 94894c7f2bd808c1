"""The words of this package: a document, and the place where it stands."""

from dataclasses import dataclass, field

from webhook.model.raw_object import Manifest

STDIN = "-"


@dataclass(frozen=True, slots=True)
class DocumentLocation:
    """Where a document stands, so that it can be read again when a line of it is asked for.

    file: as the person named it, or below the folder that they named. line: the first of the document, from 1.
    offset, size: its bytes in the file, after a file in UTF-16 was turned into UTF-8. steps: the way into nested
    Lists, as in `items[3]`. kept: the bytes themselves, where the file can be read only once.
    """

    file: str
    line: int
    offset: int
    size: int
    steps: tuple[int, ...] = ()
    kept: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """One Kubernetes object and where it stands."""

    place: DocumentLocation
    manifest: Manifest
