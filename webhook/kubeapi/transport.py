"""One HTTP request to the API server and its answer, over the kubernetes package's pool of connections.

Every call has a time-out, and nothing is tried twice but a call for which our credentials were too old.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from socket import socket
from ssl import SSLCertVerificationError
from typing import Literal
from urllib.parse import urlencode

import orjson
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HTTPTimeout

from webhook.kubeapi.credentials import ApiAccess
from webhook.kubeapi.errors import ClusterError, ClusterUnavailable, error_of
from webhook.kubeapi.http_exchange import HttpResponse, message
from webhook.model.raw_object import dig, text

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
USER_AGENT = "mtls-guard"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
_CONNECT_SECONDS = 5.0

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class RequestBody:
    """What is sent. form: its content type, which for a PATCH says how it is to be understood."""

    content: object
    form: str = JSON


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request. accept: the content type of the answer. seconds: how long the answer may be silent."""

    method: Method
    path: str
    query: Query | None = None
    body: RequestBody | None = None
    accept: str = JSON
    seconds: float = 10.0

    def __str__(self) -> str:
        """`GET /api/v1/pods`, for people."""
        return f"{self.method} {self.path}"

    @property
    def payload(self) -> bytes | None:
        """The body as JSON."""
        return None if self.body is None else orjson.dumps(self.body.content)

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


class Transport:
    """Sends requests as one identity. Safe for several threads."""

    def __init__(self, access: ApiAccess) -> None:
        self._access = access

    def ask(self, call: ApiRequest) -> bytes:
        """The body of the answer. Raises a ClusterError when it is no success."""
        return self._send(call, whole=True).content

    def open(self, call: ApiRequest) -> "WatchStream":
        """The answer as lines, as they come."""
        return WatchStream(call, self._send(call, whole=False))

    def _send(self, call: ApiRequest, *, whole: bool) -> HttpResponse:
        """A successful answer; asks once more where our credentials were too old. whole: with its body."""
        answer = self._once(call, whole=whole)
        if answer.status == 401 and self._access.renew():
            answer = self._once(call, whole=whole)
        if not answer.success:
            raise _refused(call, answer)
        return answer

    def _once(self, call: ApiRequest, *, whole: bool) -> HttpResponse:
        """The answer, whatever its status; of an error always with its body."""
        try:
            sent = message(f"{call.method} {self._access.prefix}{call.target}", self._headers(call), call.payload)
            dialled = self._access.dial(min(_CONNECT_SECONDS, call.seconds))
            try:
                answer = _answer(dialled.socket, sent, call.seconds)
                if whole or not answer.success:
                    answer.read()
                    (dialled.give_back if answer.reusable else dialled.close)()
            except BaseException:
                dialled.close()
                raise
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise _cut_off(call, error) from error
        return answer

    def _headers(self, call: ApiRequest) -> dict[str, str]:
        """What is told beside the path."""
        headers = {
            "Host": self._access.host,
            "Accept": call.accept,
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
        }
        if authorization := self._access.authorization():
            headers["Authorization"] = authorization
        if call.body is not None:
            headers["Content-Type"] = call.body.form
        return headers


class WatchStream:
    """The lines of a watch as they come, each one JSON. Ends where the server ends it."""

    def __init__(self, call: ApiRequest, answer: HttpResponse) -> None:
        self._call, self._answer = call, answer

    def __iter__(self) -> Iterator[bytes]:
        """The lines. Raises ClusterUnavailable when the line is cut, or silent for too long."""
        rest = b""
        try:
            for piece in self._answer.pieces():
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line for line in whole if line)
        except (HTTPException, OSError) as error:
            raise _cut_off(self._call, error) from error
        finally:
            self._answer.close()

    def cut(self) -> None:
        """Ends the watch from another thread."""
        with suppress(Exception):
            self._answer.cut()


def _answer(connected: socket, sent: bytes, seconds: float) -> HttpResponse:
    """The answer to a request, as far as its head. seconds: how long it may be silent."""
    connected.settimeout(seconds)
    connected.sendall(sent)
    return HttpResponse(connected)


def _refused(call: ApiRequest, answer: HttpResponse) -> ClusterError:
    """The error for an answer that is no success, with what it says of itself."""
    try:
        told = text(dig(orjson.loads(answer.content), "message"))
    except ValueError:
        plain = answer.headers.get("content-type", "").startswith("text/plain")
        told = answer.content.decode(errors="replace").strip() if plain else ""
    pause = answer.headers.get("retry-after", "")
    return error_of(str(call), answer.status, told, float(pause) if pause.isdecimal() else 0.0)


def _cut_off(call: ApiRequest, error: Exception) -> ClusterUnavailable:
    """The error for no answer, or half of one."""
    if isinstance(error, NewConnectionError):
        return ClusterUnavailable(f"{call}: nobody answers there")
    if isinstance(error, TimeoutError | HTTPTimeout):
        return ClusterUnavailable(f"{call}: no answer in time")
    if isinstance(error, SSLCertVerificationError):
        return ClusterUnavailable(f"{call}: the certificate of the API server is not trusted: {error.verify_message}")
    return ClusterUnavailable(f"{call}: {type(error).__name__}: {error}")
