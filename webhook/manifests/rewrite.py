"""Changes single documents of a manifest file, and leaves every other byte of it alone.

A changed YAML document keeps its comments, its order and its quotes; a changed JSON document its indentation.
"""

import io
import json
from collections.abc import Callable, Iterable, MutableMapping
from itertools import pairwise
from typing import Any

from webhook.manifests.document import DocumentLocation
from webhook.manifests.split import as_utf8

Change = Callable[[MutableMapping[str, Any]], None]
"""Changes one Kubernetes object in place."""
_WIDTH = 1_000_000


def rewrite(content: bytes, changes: Iterable[tuple[DocumentLocation, Change]]) -> bytes:
    """The content of a file, in UTF-8, with the changes made. Places are those that `read` gave for it.

    Raises:
        ValueError: a document cannot be written anew; the text says why.
    """
    content = as_utf8(io.BytesIO(content)).read()
    by_document: dict[tuple[int, int], list[tuple[DocumentLocation, Change]]] = {}
    for place, change in changes:
        by_document.setdefault((place.offset, place.size), []).append((place, change))
    for (offset, size), document_changes in sorted(by_document.items(), reverse=True):
        changed = _document(content[offset : offset + size], document_changes)
        content = content[:offset] + changed + content[offset + size :]
    return content


def _document(text: bytes, changes: Iterable[tuple[DocumentLocation, Change]]) -> bytes:
    if text.lstrip()[:1] == b"{":
        return _json(text, changes)
    plain = text.replace(b"\r\n", b"\n")
    windows = plain != text and b"\n" not in text.replace(b"\r\n", b"")
    changed = _yaml((plain if windows else text).decode(), changes).encode()
    return changed.replace(b"\n", b"\r\n") if windows else changed


def _json(text: bytes, changes: Iterable[tuple[DocumentLocation, Change]]) -> bytes:
    document = json.loads(text)
    for place, change in changes:
        change(_object(document, place))
    indent = 2 if b"\n" in text.strip() else None
    return json.dumps(document, indent=indent, ensure_ascii=False).encode() + text[len(text.rstrip()) :]


def _yaml(text: str, changes: Iterable[tuple[DocumentLocation, Change]]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    writer = YAML(typ="rt")
    writer.preserve_quotes, writer.width, writer.allow_duplicate_keys = True, _WIDTH, True
    writer.indent(mapping=2, sequence=4 if _indents_lists(text) else 2, offset=2 if _indents_lists(text) else 0)
    try:
        document = writer.load(text)
        _keep_anchors(document)
        for place, change in changes:
            change(_object(document, place))
        out = io.StringIO()
        writer.dump(document, out)
    except YAMLError as fault:
        raise ValueError(f"cannot be written anew: {str(fault).splitlines()[0]}") from fault
    except RecursionError as fault:  # ruamel.yaml reads and writes recursively
        raise ValueError("cannot be written anew: nested too deeply") from fault
    start = "---\n" if text.lstrip().startswith("---") and not out.getvalue().startswith("---") else ""
    return start + out.getvalue()


def _keep_anchors(document: Any) -> None:
    """Has anchors written that nothing refers to, too."""
    left, seen = [document], set()
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        anchor = node.yaml_anchor() if hasattr(node, "yaml_anchor") else None
        if anchor is not None:
            anchor.always_dump = True
        left += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _indents_lists(text: str) -> bool:
    """Whether the first list below a key is indented against it."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for above, line in pairwise(lines):
        if line.lstrip().startswith("- ") and above.rstrip().endswith(":"):
            return len(line) - len(line.lstrip()) > len(above) - len(above.lstrip().removeprefix("- "))
    return False


def _object(document: Any, place: DocumentLocation) -> MutableMapping[str, Any]:
    """The object of the document, or the one of its Lists that is meant."""
    for step in place.steps:
        document = document["items"][step]
    manifest: MutableMapping[str, Any] = document
    return manifest
