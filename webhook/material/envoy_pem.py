"""Which PEM blocks Envoy finds in a file, and where it gives up; what stands in them is for others.

Envoy reads with BoringSSL's `PEM_read_bio`, in lines of at most 253 bytes: a block that begins and cannot be decoded
is an error for the whole file. The first blank line inside a block makes what stands before it headers, and no header
but `Proc-Type` is known. `rig/oracles/files.py` asks a real Envoy 1.40.
"""

import re
from dataclasses import dataclass, field

from webhook.material.strict_base64 import decode

_BEGIN = b"-----BEGIN "
_END = b"-----END "
_DASHES = b"-----"
_LONGEST_LINE = 253
_BLANKS = bytes(range(0x21))
_END_LINE = re.compile(rb"^-----END ", re.MULTILINE)


@dataclass(slots=True)
class EnvoyPemBlocks:
    """What Envoy finds: offset of `-----BEGIN` -> decoded bytes. failed: offset of the block that stops it, or -1.

    encrypted: offsets of the blocks whose headers say `Proc-Type: 4,ENCRYPTED`.
    """

    blocks: dict[int, bytes] = field(default_factory=dict)
    failed: int = -1
    encrypted: set[int] = field(default_factory=set)


def blocks_of_envoy(content: bytes) -> EnvoyPemBlocks:
    """Everything that BoringSSL decodes up to the end of the file or the first error; linear in the size."""
    reading = EnvoyPemBlocks()
    position = line = 0
    while (begin := content.find(_BEGIN, position)) >= 0:
        line = max(content.rfind(b"\n", position, begin) + 1, line)
        label, body = _label(content, begin)
        if (begin - line) % _LONGEST_LINE or not label.endswith(_DASHES):
            position = begin + len(_BEGIN)
            continue
        end = _END_LINE.search(content, body)
        end_label, position = _label(content, end.start()) if end else (b"", len(content))
        decoded = _decode(content[body : end.start()], reading, begin) if end else None
        if decoded is None or end_label != _END + label[len(_BEGIN) :]:
            reading.failed = begin
            break
        reading.blocks[begin] = decoded
        line = position
    return reading


def _decode(body: bytes, reading: EnvoyPemBlocks, begin: int) -> bytes | None:
    """The bytes of a block's body, None where BoringSSL stops with an error."""
    lines = [line.rstrip(_BLANKS) for line in body.split(b"\n")[:-1]]
    if b"" in lines:
        blank = lines.index(b"")
        if blank and not lines[0].startswith(b"Proc-Type: "):
            return None
        if blank:
            reading.encrypted.add(begin)
        lines = lines[blank + 1 :]
    return decode(b"".join(lines).translate(None, b" \t\r")) or None


def _label(content: bytes, start: int) -> tuple[bytes, int]:
    """The BEGIN or END line at an offset, none where a zero byte stands in it, and the offset of the next line."""
    line, following = _line(content, start)
    return b"" if b"\0" in line else line, following


def _line(content: bytes, start: int) -> tuple[bytes, int]:
    """The line at an offset without trailing blanks and control characters, and the offset of the next line."""
    limit = min(start + _LONGEST_LINE, len(content))
    stop = content.find(b"\n", start, limit)
    return (content[start : stop + 1 or limit].rstrip(_BLANKS), stop + 1 or limit)
