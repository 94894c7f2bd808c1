"""One exchange of HTTP/1.1 on a connection that stands; who dials, checks certificates and passes proxies is `access`.

urllib3 sends a head line by line and has the parser of e-mails read the one that comes back: twice the cost of a whole
read on the way of a review. Here the head is one piece, and llhttp (httptools) reads the answer.
"""

from collections.abc import Iterator, Mapping
from http.client import HTTPException, RemoteDisconnected
from socket import SHUT_RD, socket

from httptools import HttpParserError, HttpResponseParser

ERROR_BYTES = 16 * 1024
"""How much is read of an answer that is no success."""
_PIECE_BYTES = 16 * 1024
"""A record of TLS. Each watch holds so much while it waits."""


def message(line: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A request. line: `GET /api`. headers: all but the body's length.

    Raises:
        ValueError: a header holds a line break, or what is no ASCII.
    """
    length = {} if body is None else {"Content-Length": str(len(body))}
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in {**headers, **length}.items())]
    if not all(line.isascii() and line.isprintable() for line in lines):
        raise ValueError("a header of the request (its token?) holds a line break, or what is no ASCII")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")


class HttpResponse:
    """An answer whose head has come. status: 200 or above. headers: names in lower case. content: once it was read."""

    def __init__(self, connected: socket) -> None:
        """Waits for the head. Raises OSError or HTTPException where none comes."""
        self.status, self.headers, self.content = 0, dict[str, str](), b""
        self.reusable = False
        self._socket, self._parser = connected, HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._ended = False
        while not self.status:
            self._receive()

    @property
    def success(self) -> bool:
        """Whether what was asked for was done."""
        return self.status < 300

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes. Raises OSError or HTTPException where its end does not."""
        while True:
            held, self._pieces = self._pieces, []
            yield from held
            if self._ended:
                return
            self._receive()

    def read(self) -> None:
        """Reads the body into content; of an error no more than ERROR_BYTES, as far as it comes."""
        held = bytearray()
        try:
            for piece in self.pieces():
                held += piece
                if not self.success and len(held) > ERROR_BYTES:
                    self.reusable = False
                    break
        except (OSError, HTTPException):
            if self.success:
                raise
        self.content = bytes(held)

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def cut(self) -> None:
        """Ends the connection for whoever reads from it in another thread."""
        self._socket.shutdown(SHUT_RD)

    def _receive(self) -> None:
        """Takes in what comes next."""
        content = self._socket.recv(_PIECE_BYTES)
        if not content:
            self._cut()
            return
        try:
            self._parser.feed_data(content)
        except HttpParserError as error:
            raise HTTPException(f"the answer is no HTTP: {error}") from error
        if self._ended:
            del self._parser  # each knows the other, and the garbage collector would have to find them

    def _cut(self) -> None:
        """The connection has ended, which for want of another sign is how a body may end."""
        if not self.status:
            raise RemoteDisconnected("the connection was closed without an answer")
        if not self.headers.keys().isdisjoint(("content-length", "transfer-encoding")):
            raise HTTPException("the connection was closed before the answer ended")
        self._ended = True

    # ------------------------------------------------------------ called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The end of the head; that of an interim answer is not the one that was waited for."""
        status: int = self._parser.get_status_code()
        if status >= 200:
            self.status = status

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without the lengths of chunks."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """The end of the body, or of an interim answer."""
        self._ended = bool(self.status)
        self.reusable = self._ended and self._parser.should_keep_alive()
