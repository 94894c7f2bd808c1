"""Which PEM blocks Istio's agent finds in a file; what stands in them is for others.

The agent reads with Go's `encoding/pem` (1.26): a block starts at the start of a line, what cannot be decoded is
skipped without a word, and the reading goes on behind it. `rig/oracles/files.py` asks the agent itself.
"""

from webhook.material.strict_base64 import decode

_BEGIN = b"-----BEGIN "
_END = b"\n-----END "
_DASHES = b"-----"


def blocks_of_agent(content: bytes) -> dict[int, bytes]:
    """The blocks that Go decodes: offset of `-----BEGIN` -> decoded bytes, in file order; linear in the size."""
    blocks: dict[int, bytes] = {}
    position = 0
    while position >= 0 and (end := content.find(_END, position)) >= 0:
        after = end + len(_END)
        begin = content.rfind(_BEGIN, position, end)
        if begin < 0 or (begin > position and content[begin - 1] != ord("\n")):
            position = after
            continue
        decoded, position = _block(content, begin, end, after)
        if decoded is not None:
            blocks[begin] = decoded
    return blocks


def _block(content: bytes, begin: int, end: int, after: int) -> tuple[bytes | None, int]:
    """The bytes of one candidate (None: skipped) and where to go on (-1: Go gives up on the rest of the file)."""
    label, start = _line(content, begin + len(_BEGIN))
    if not label.endswith(_DASHES):
        return None, after
    body = _behind_headers(content, start)
    if body < 0 or (body > start and after < body):
        return None, -1
    label_at_end, behind = _line(content, after)
    if (body > start and end < body) or label_at_end != label:
        return None, after
    decoded = decode(content[body : max(end, body)].translate(None, b" \t\r\n"))
    return decoded, after if decoded is None else behind


def _behind_headers(content: bytes, start: int) -> int:
    """Where the first line without a colon begins; -1 when the file ends before."""
    while start < len(content):
        line, following = _line(content, start)
        if b":" not in line:
            return start
        start = following
    return -1


def _line(content: bytes, start: int) -> tuple[bytes, int]:
    """The line at an offset without its end and trailing blanks, and the offset of the next line."""
    stop = content.find(b"\n", start)
    if stop < 0:
        return content[start:].rstrip(b" \t"), len(content)
    return content[start:stop].removesuffix(b"\r").rstrip(b" \t"), stop + 1
