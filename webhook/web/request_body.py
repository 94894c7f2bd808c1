"""A posted review by the WSGI protocol: what of a request tells that its body is none, and reading that body."""

import re
from collections.abc import Mapping
from typing import Any

from webhook.model.printable import cut

MAX_BODY_BYTES = 7 * 1024 * 1024
"""An object in etcd has at most 3 MB, and a review of an update carries it twice, in JSON, with an envelope around.

Source: `--max-request-bytes` as the API server assumes it, 3 MiB for requests
(https://github.com/kubernetes/apiserver/blob/v0.34.0/pkg/server/config.go, MaxRequestBodyBytes), and the limit that
controller-runtime derives from it (https://github.com/kubernetes-sigs/controller-runtime/blob/v0.22.0/pkg/webhook/admission/http.go).
"""
_PIECE_BYTES = 256 * 1024
_TIMEOUT = re.compile(r"(?:^|&)timeout=([1-9]\d?)s(?:&|$)")
JSON = "application/json"
ARRIVED = "mtls_guard.arrived"
"""Where the server notes when the client began to wait for its answer, in seconds of `perf_counter`."""


def unacceptable(environ: Mapping[str, Any]) -> tuple[int, str] | None:
    """Status and text when the headers alone tell that there is no review in the body, else None."""
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type != JSON and content_type.partition(";")[0].strip().lower() != JSON:
        shown_type = f'"{cut(content_type, 80)}"' if content_type else "none"
        return 415, f"Content-Type: expected {JSON}, got {shown_type}"
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding.lower() != "identity":
        return 415, f'Content-Encoding: expected none, got "{cut(encoding, 80)}"'
    length = _length(environ)
    if length is not None and length > MAX_BODY_BYTES:
        return 413, too_large(str(length))
    return None


def waited(environ: Mapping[str, Any]) -> float | None:
    """How long the API server waits for the answer, as it says in `?timeout=3s`."""
    match = _TIMEOUT.search(environ.get("QUERY_STRING", ""))
    return float(match[1]) if match else None


def _length(environ: Mapping[str, Any]) -> int | None:
    """The length of the body as its header states it, None when it does not."""
    stated = environ.get("CONTENT_LENGTH", "")
    return int(stated[:20]) if stated.isdecimal() else None


def read_body(environ: Mapping[str, Any]) -> bytes:
    """The body, or of one without a stated length no more than one byte beyond the limit."""
    length = _length(environ)
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = environ["wsgi.input"].read(MAX_BODY_BYTES + 1 if length is None else length)
    return body


def discard(environ: Mapping[str, Any]) -> None:
    """Reads a body of up to four times the limit away: a client that is still sending would not see our answer."""
    remaining = _length(environ) or 0
    while 0 < remaining <= 4 * MAX_BODY_BYTES:
        received = len(environ["wsgi.input"].read(min(remaining, _PIECE_BYTES)))
        remaining = remaining - received if received else 0


def too_large(size: str) -> str:
    """The text for a body beyond the limit."""
    return f"the body has {size} bytes; at most {MAX_BODY_BYTES} are read (an object of 3 MB, twice, with its envelope)"
