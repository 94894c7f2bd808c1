"""A request as WSGI describes it (PEP 3333)."""

import io
import sys
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes, urlsplit

from webhook.serving.http_request import HttpRequest

ARRIVED = "mtls_guard.arrived"
"""When the client began to wait for the answer, in seconds of `perf_counter`."""
_CONSTANT: dict[str, Any] = {
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
    "SCRIPT_NAME": "",
}


class BrokenBody(io.RawIOBase):
    """A body that cannot be read to its end."""

    def read(self, size: int = -1, /) -> NoReturn:  # noqa: ARG002  # as the base class has it
        """Raises why."""
        raise OSError("the body breaks off")


def environ_of(request: HttpRequest, peer: str, server: tuple[str, int], scheme: str) -> dict[str, Any]:
    """The environ of a request. peer: the address of its client. server: where it was received."""
    path, query = _split(request.target)
    environ = {
        **_CONSTANT,
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": scheme,
        "wsgi.input": BrokenBody() if request.broken else io.BytesIO(request.body),
        ARRIVED: request.arrived,
    }
    for name, value in request.headers:
        key, text = _key(name), value.decode("latin-1").strip(" \t")
        environ[key] = f"{environ[key]},{text}" if key in environ and key.startswith("HTTP_") else text
    return environ


@lru_cache(maxsize=256)
def _key(name: bytes) -> str:
    """`Content-Type` is CONTENT_TYPE, every other header HTTP_ and its name."""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _split(target: bytes) -> tuple[str, str]:
    """Path, without its escapes, and query of a request's target."""
    text = target.decode("latin-1")
    if text.startswith("/"):
        path, _, query = text.partition("#")[0].partition("?")
    else:
        try:
            parts = urlsplit(text)
        except ValueError:
            return text, ""
        path, query = parts.path, parts.query
    return (unquote_to_bytes(path).decode("latin-1") if "%" in path else path), query
