"""Requests of HTTP/1.1 as they arrive over one connection: llhttp (httptools) parses them, their limits are kept here.

What a request asks for is left to the application; nothing here touches a socket.
"""

from collections import deque
from dataclasses import dataclass, field

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from webhook.serving.limits import ConnectionLimits

VERSIONS = ("1.0", "1.1")
_MUCH = 4
"""How many times the limit of a body is read and thrown away: a client that still sends would not see an answer."""


class HttpRefusal(Exception):
    """What is wrong with a request, and the status that says so."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status, self.problem = status, problem


@dataclass(slots=True, eq=False)
class HttpRequest:
    """One request. arrived, completed: when its first and its last byte had come, in seconds of `perf_counter`.

    size: bytes of the body that arrived. kept: those of them in `pieces`. broken: the body cannot be read to its end.
    """

    arrived: float
    method: str = ""
    target: bytes = b""
    version: str = ""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    kept: int = 0
    head_complete: bool = False
    expects_continue: bool = False
    keep_alive: bool = False
    broken: bool = False
    completed: float = 0.0

    @property
    def body(self) -> bytes:
        """The body, or of one beyond the limit what was kept."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def values(self, name: bytes) -> list[bytes]:
        """The values of a header, in lower case."""
        return [value.strip().lower() for key, value in self.headers if key.lower() == name]


class RequestParser:
    """Parses what one connection brings.

    complete: requests that arrived whole, oldest first. refusal: why nothing further can be read. kept: bytes of
    bodies in memory.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.complete: deque[HttpRequest] = deque()
        self.refusal: HttpRefusal | None = None
        self.kept = 0
        self._limits = limits
        self._parser = HttpRequestParser(self)
        self._latest = HttpRequest(0.0)
        self._arriving = False
        self._arrived = 0.0
        self._head_bytes = 0
        self._fields = 0

    @property
    def current(self) -> HttpRequest | None:
        """The request that arrives now."""
        return self._latest if self._arriving else None

    def feed(self, content: bytes, arrived: float) -> None:
        """Takes further bytes. arrived: when they came."""
        if self.refusal:
            return
        self._arrived = arrived
        try:
            self._parser.feed_data(content)
        except HttpParserError as error:
            self._refuse(error)
        except HttpParserUpgrade:
            self.refusal = HttpRefusal(400, "no other protocol is spoken here")
        self._measure_head(content)

    def release(self) -> None:
        """Ends it: the parser and its callbacks refer to each other."""
        self.refusal = HttpRefusal(400, "the connection is closed")
        del self._parser

    def clear(self) -> None:
        """Forgets the requests that were not answered: the connection ends."""
        self.complete.clear()
        self._latest, self._arriving = HttpRequest(0.0), False
        self.kept = 0

    def answered(self, request: HttpRequest) -> None:
        """Its body is not needed any more."""
        self.kept -= request.kept
        request.pieces = []

    # ------------------------------------------------------------ callbacks of the parser

    def on_message_begin(self) -> None:
        """A request begins."""
        self._latest, self._arriving = HttpRequest(self._arrived), True
        self._head_bytes = self._fields = 0

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        request = self._latest
        request.target += url
        if len(request.target) > self._limits.line_bytes:
            raise HttpRefusal(414, f"the target has more than {self._limits.line_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or, after the body, a trailer, which is left out."""
        request = self._latest
        self._fields += 1
        if self._fields > self._limits.fields:
            raise HttpRefusal(431, f"more than {self._limits.fields} header fields")
        if len(name) + len(value) > self._limits.field_bytes:
            raise HttpRefusal(431, f"a header field has more than {self._limits.field_bytes} bytes")
        if not request.head_complete and b"_" not in name:
            request.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        request = self._latest
        request.method = self._parser.get_method().decode("ascii")
        request.version = self._parser.get_http_version()
        request.head_complete = True
        if self._parser.should_upgrade():
            raise HttpRefusal(400, "no other protocol is spoken here")
        _check(request, _MUCH * self._limits.body_bytes)

    def on_body(self, piece: bytes) -> None:
        """A piece of its body."""
        request = self._latest
        request.size += len(piece)
        if request.size > _MUCH * self._limits.body_bytes:
            raise HttpRefusal(413, f"the body has more than {_MUCH * self._limits.body_bytes} bytes")
        if request.kept <= self._limits.body_bytes:
            request.pieces.append(piece)
            request.kept += len(piece)
            self.kept += len(piece)

    def on_message_complete(self) -> None:
        """It arrived whole."""
        self._latest.keep_alive = self._parser.should_keep_alive()
        self.complete.append(self._latest)
        self._arriving = False

    # ------------------------------------------------------------ what is wrong

    def _refuse(self, error: HttpParserError) -> None:
        """Notes why the parser stopped; a body that breaks off within is left to the application to refuse."""
        cause = error.__context__
        if isinstance(cause, HttpRefusal):
            self.refusal = cause
            return
        self.refusal = HttpRefusal(400, f"not HTTP/1.1: {error}")
        if self._arriving and self._latest.head_complete:
            self._latest.broken = True
            self.complete.append(self._latest)
            self._arriving = False

    def _measure_head(self, content: bytes) -> None:
        if not self._arriving or self._latest.head_complete or self.refusal:
            return
        self._head_bytes += len(content)
        if self._head_bytes > self._limits.head_bytes:
            self.refusal = HttpRefusal(431, f"the header fields have more than {self._limits.head_bytes} bytes")


def _check(request: HttpRequest, most: int) -> None:
    """Raises what is wrong with a head that the parser accepts: nothing may be read in two ways. most: of the body."""
    if request.version not in VERSIONS:
        raise HttpRefusal(400, "the version of HTTP is neither 1.0 nor 1.1")
    codings, lengths = request.values(b"transfer-encoding"), request.values(b"content-length")
    if codings and (codings != [b"chunked"] or lengths or request.version != "1.1"):
        raise HttpRefusal(400, "Transfer-Encoding: expected chunked alone, in HTTP/1.1, without a Content-Length")
    if len(request.values(b"host")) > 1:
        raise HttpRefusal(400, "Host: given more than once")
    if lengths and int(lengths[0][:20]) > most:
        raise HttpRefusal(413, f"the body has {lengths[0][:20].decode('ascii')} bytes")
    expectations = request.values(b"expect")
    if expectations and expectations != [b"100-continue"]:
        raise HttpRefusal(417, "Expect: only 100-continue can be met")
    request.expects_continue = bool(expectations) and request.version == "1.1"
