"""What a WSGI application answers, as the bytes of HTTP/1.1; complete before the first of them is sent."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from gunicorn.util import http_date

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
"""A WSGI application."""
RETRIED = frozenset((429, 503))
"""Statuses that client-go tries again after, where the answer has a Retry-After; on another connection, if it can."""
_PHRASES = {413: "Request Entity Too Large", 414: "URI Too Long"}
"""Where the phrases of Python's versions differ."""


class WsgiResponse:
    """The answer to one request; `close` must be called once it is on its way, or is not needed."""

    __slots__ = ("_parts", "body", "headers", "status")

    def __init__(self, app: Wsgi, environ: dict[str, Any]) -> None:
        """Runs the application."""
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self._parts = app(environ, self._start)
        self.body = self._read()
        if environ["REQUEST_METHOD"] == "HEAD":
            self.body = b""

    @property
    def code(self) -> int:
        """The number of the status."""
        return int(self.status[:3])

    def message(self, *, close: bool, version: str = "1.1") -> bytes:
        """All of it. close: whether this is the last answer on its connection. version: of the request's HTTP."""
        lines = [f"HTTP/1.1 {self.status}", f"Date: {_date(int(time.time()))}"]
        if close or version == "1.0":
            lines.append(f"Connection: {'close' if close else 'keep-alive'}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if any("\n" in line or "\r" in line for line in lines):
            raise ValueError("a header of the answer holds a line break")
        return "\r\n".join((*lines, "", "")).encode("latin-1") + self.body

    def close(self) -> None:
        """Lets the application finish what it does after an answer."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()

    def _start(self, status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        """`start_response` of WSGI; `write`, which it could answer with, is for servers of 2003."""
        self.status, self.headers = status, headers

    def _read(self) -> bytes:
        """The body; the application's iterable is left where the stated length is reached."""
        parts, size = [], 0
        for part in self._parts:
            parts.append(part)
            size += len(part)
            if size >= self._stated(size + 1):
                break
        if not any(name.lower() == "content-length" for name, _ in self.headers):
            self.headers = [*self.headers, ("Content-Length", str(size))]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _stated(self, otherwise: int) -> int:
        """The length of the body that the headers state."""
        return next((int(value) for name, value in self.headers if name.lower() == "content-length"), otherwise)


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> bytes:
    """An answer of one line, the last one on its connection."""
    phrase = _PHRASES.get(status) or HTTPStatus(status).phrase
    body = f"{text}\n".encode()
    fields = {
        "Date": http_date(),
        "Connection": "close",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    return "\r\n".join((f"HTTP/1.1 {status} {phrase}", *_lines(fields), "", "")).encode("latin-1") + body


def _lines(fields: Mapping[str, str]) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in fields.items())


@lru_cache(maxsize=2)
def _date(seconds: int) -> str:
    """The value of the header Date."""
    return str(http_date(seconds))
