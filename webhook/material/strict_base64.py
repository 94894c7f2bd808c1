"""Base64 as Go and BoringSSL demand it; Python's own decoder also takes `YWJj=` and `YWI==`."""

import binascii


def decode(text: bytes) -> bytes | None:
    """The bytes of base64 without any blanks: whole groups of four, filled up at the end only; None for any other."""
    try:
        return None if len(text) % 4 else binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None
