"""What the bytes of a value are on the outside: PEM, another encoding, a placeholder; what stands in PEM is for `pem`.

A manifest in Git often holds no value yet. What is evidently to be replaced is a `placeholder`, so that rules can say
"cannot be judged" instead of denying: template syntax (`{{ }}`, `${NAME}`, `$(NAME)`, `<anything>` as the whole
value), references of secret stores (`vault:`, `ref+awsssm://`, `op://`, `ENC[`), a word such as PLACEHOLDER, REDACTED,
CHANGEME or TODO, a run of `*`, `x` or dots; also between the BEGIN and END lines of a block. An empty value is no
placeholder: the API server stores it, and Envoy refuses it.
"""

import re

from webhook.material.strict_base64 import decode

_PAIRS = (("{{", "}}"), ("{%", "%}"), ("${", "}"), ("$(", ")"), ("((", "))"), ("<%", "%>"))
_WHOLE = re.compile(
    r"<[^<>\n]{0,500}>|ENC\[[^\]\n]*\]|(vault|ref\+\w+|op|awssm|gcpsm):\S{1,500}|(?P<mark>[*.x_?-])(?P=mark){2,199}"
    r"|\W{0,3}(insert|your|put|enter|fill|replace|paste|base64)\b.{0,100}"
    r"|\W{0,3}(placeholder|redacted|change[-_ ]?(me|it)|todo|tbd|fixme|replace[-_ ]?me|dummy|masked)\b.{0,100}",
    re.IGNORECASE,
)
_BLOCK_LINES = re.compile(r"-----(BEGIN|END) [^\n]{0,64}?-----")
_MOST_TEMPLATE_CHARACTERS = 65536
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_KEYSTORES = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_PKCS12_VERSION = b"\x02\x01\x03\x30"


def form_of(content: bytes, *, has_blocks: bool) -> str:  # noqa: PLR0911
    """The form of a value, as Material names it; has_blocks: a PEM block's BEGIN line stands somewhere in it."""
    if not content.strip():
        return "empty"
    if content.startswith(_KEYSTORES):
        return "jks"
    if content.startswith(_UTF16) or b"-\0-\0-\0-\0-\0" in content:
        return "utf-16"
    if has_blocks:
        return "bom" if content.startswith(b"\xef\xbb\xbf") else "pem"
    if _is_der(content):
        return "pkcs12" if _PKCS12_VERSION in content[:8] else "der"
    if b"-----BEGIN " in (decode(b"".join(content.split())) or b""):
        return "base64-of-pem"
    return "text" if _is_text(content) else "binary"


def is_placeholder(text: str) -> bool:
    """Whether a value is evidently to be replaced before it counts."""
    if len(text) > _MOST_TEMPLATE_CHARACTERS:
        return False
    bare = _BLOCK_LINES.sub("", text).strip()
    if any(0 <= bare.find(opening) < bare.find(closing, bare.find(opening)) for opening, closing in _PAIRS):
        return True
    return all(_WHOLE.fullmatch(line.strip()) is not None for line in bare.splitlines() if line.strip()) and bare != ""


def _is_der(content: bytes) -> bool:
    """Whether the bytes are one ASN.1 sequence from end to end (or BER of unknown length, as some PKCS#12 are)."""
    return content[:2] == b"\x30\x80" or (content[:1] == b"\x30" and outer_length(content) == len(content))


def outer_length(der: bytes) -> int:
    """How long the first ASN.1 value says it is, tag and length included; -1 when it does not say."""
    if len(der) < 2 or der[1] == 0x80 or der[1] > 0x84:
        return -1
    if der[1] < 0x80:
        return 2 + der[1]
    width = der[1] & 0x7F
    return 2 + width + int.from_bytes(der[2 : 2 + width], "big")


def _is_text(content: bytes) -> bool:
    """Whether the bytes are UTF-8 without control characters other than blanks and line ends."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return not any(ord(character) < 0x20 and character not in "\t\r\n\f" for character in text)
