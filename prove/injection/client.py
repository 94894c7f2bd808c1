"""The API server for somebody who applies: one connection for each thread, and the warnings of every answer."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from threading import local
from time import sleep
from typing import Any

from rig.control_plane import ControlPlane
from rig.object_path import path_of
from webhook.kubeapi.tls_verification import client_context

APPLY = "application/apply-patch+yaml"
MANAGER = "matrix"
SECONDS = 60
TRIES, RETRY_SECONDS = 8, 2


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. code: the HTTP status; warnings: as kubectl prints them; body: an object, or a Status."""

    code: int
    warnings: tuple[str, ...]
    body: Any

    @property
    def refused(self) -> bool:
        """Whether it is an error."""
        return self.code >= HTTPStatus.BAD_REQUEST

    @property
    def message(self) -> str:
        """Why it is."""
        return str(self.body.get("message", "")) if self.refused else ""


class Client:
    """Applies server-side as the administrator, and reads."""

    def __init__(self, plane: ControlPlane) -> None:
        """plane: whose API server is asked."""
        self._port, self._context = plane.port, client_context(plane.credentials.ca.read_bytes())
        config = json.loads(plane.kubeconfig.read_text(encoding="utf-8"))
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        self._mine = local()

    def apply(self, manifest: Mapping[str, Any], query: str = "") -> Reply:
        """`kubectl apply --server-side`, as often as somebody would try it when a webhook does not answer in time."""
        path = f"{path_of(manifest, manifest['metadata']['name'])}?fieldManager={MANAGER}&force=true{query}"
        reply = self.ask("PATCH", path, manifest, APPLY)
        for _ in range(TRIES):
            if reply.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
            sleep(RETRY_SECONDS)
            reply = self.ask("PATCH", path, manifest, APPLY)
        return reply

    def create(self, manifest: Mapping[str, Any]) -> Reply:
        """`kubectl create`."""
        return self.ask("POST", path_of(manifest), manifest)

    def delete(self, manifest: Mapping[str, Any]) -> Reply:
        """`kubectl delete --now`, with all that its controller made."""
        options = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        return self.ask("DELETE", path_of(manifest, manifest["metadata"]["name"]), options)

    def items(self, path: str) -> list[Any]:
        """A list, of all namespaces or of one."""
        reply = self.ask("GET", path)
        if reply.refused:
            raise OSError(reply.message)
        return list(reply.body["items"])

    def ask(self, method: str, path: str, body: object = None, form: str = "application/json") -> Reply:
        """One request; tried once more on a new connection where the server has closed the old one."""
        content = None if body is None else json.dumps(body)
        try:
            return self._ask(method, path, content, form)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            return self._ask(method, path, content, form)

    def _ask(self, method: str, path: str, content: str | None, form: str) -> Reply:
        connection = self._connection()
        try:
            connection.request(method, path, content, {**self._headers, "Content-Type": form})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        warnings = tuple(answer.headers.get_all("Warning") or ())
        return Reply(answer.status, warnings, json.loads(text))

    def _connection(self) -> http.client.HTTPSConnection:
        """The calling thread's own."""
        known: http.client.HTTPSConnection | None = getattr(self._mine, "connection", None)
        if known is None:
            known = http.client.HTTPSConnection("localhost", self._port, context=self._context, timeout=SECONDS)
            self._mine.connection = known
        return known
