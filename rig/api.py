"""The API server as JSON over HTTPS, for those who play a node: the administrator's rights, one connection a call."""

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from webhook.kubeapi.tls_verification import client_context

CALL_SECONDS = 30
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


class Refused(Exception):
    """The API server answered with an error. code: the HTTP status."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Api:
    """An API server on localhost, and a token."""

    port: int
    token: str
    ca: Path

    @classmethod
    def of(cls, kubeconfig: Path, ca: Path) -> "Api":
        """What a kubeconfig of `rig.credentials` says."""
        read = json.loads(kubeconfig.read_text(encoding="utf-8"))
        server, token = read["clusters"][0]["cluster"]["server"], read["users"][0]["user"]["token"]
        return cls(int(server.rpartition(":")[2]), token, ca)

    def get(self, path: str) -> Any:
        """An object, or a list."""
        return self._call("GET", path)

    def find(self, path: str) -> Any:
        """An object; None where there is none."""
        try:
            return self.get(path)
        except Refused as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def post(self, path: str, body: object) -> Any:
        """Creates."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: object, kind: str = STRATEGIC) -> Any:
        """Changes."""
        return self._call("PATCH", path, body, kind)

    def delete(self, path: str, body: object) -> Any:
        """Deletes."""
        return self._call("DELETE", path, body)

    def watch(self, path: str, version: str) -> Iterator[dict[str, Any]]:
        """The events after a version, until the API server ends it.

        Raises:
            OSError: the connection broke, or nothing came for a while.
        """
        separator = "&" if "?" in path else "?"
        query = f"{path}{separator}watch=true&resourceVersion={version}&timeoutSeconds=20"
        with self._connected() as connection:
            connection.request("GET", query, headers=self._headers())
            for line in connection.getresponse():
                yield json.loads(line)

    def _call(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
        """One request and its answer.

        Raises:
            Refused: it answered with an error.
            OSError: it did not answer.
        """
        with self._connected() as connection:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {**self._headers(), "Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(answer.status, text.decode(errors="replace")[:500])
        return json.loads(text)

    @contextmanager
    def _connected(self) -> Iterator[http.client.HTTPSConnection]:
        """A verified connection; an API server that ends in the middle of an answer is an OSError like any other."""
        context = _trusting(self.ca.read_bytes())
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=CALL_SECONDS)
        try:
            yield connection
        except http.client.HTTPException as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        """Who we are."""
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}


@cache
def _trusting(authorities: bytes) -> ssl.SSLContext:
    """A context for all connections to the API server."""
    return client_context(authorities)
