"""The API server of a rig, for a client that keeps its connections: many objects at once, or one dry run at a time."""

import http.client
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import local
from time import perf_counter
from typing import Any

from rig.control_plane import ControlPlane
from rig.object_path import path_of
from webhook.kubeapi.tls_verification import client_context

AT_ONCE = 8
IDLE_SECONDS = 60
BATCH = 2000


class Api:
    """Creates objects as the administrator."""

    def __init__(self, plane: ControlPlane) -> None:
        self._port, self._context = plane.port, client_context(plane.credentials.ca.read_bytes())
        config = json.loads(plane.kubeconfig.read_text(encoding="utf-8"))
        token = config["users"][0]["user"]["token"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._mine = local()

    def fill(self, manifests: Iterable[Mapping[str, Any]]) -> int:
        """Creates all of them, several at a time, in the order of batches; how many there were."""
        count, left = 0, iter(manifests)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while batch := list(islice(left, BATCH)):
                list(pool.map(self.create, batch))
                count += len(batch)
        return count

    def create(self, manifest: Mapping[str, Any], query: str = "") -> float:
        """Creates one; the seconds until it was answered.

        Raises:
            RuntimeError: it was refused.
        """
        return self.ask("POST", f"{path_of(manifest)}{query}", manifest)

    def dry_run(self, manifest: Mapping[str, Any]) -> float:
        """Has it judged by every admission webhook; the seconds that took."""
        return self.create(manifest, "?dryRun=All")

    def ask(self, method: str, path: str, manifest: Mapping[str, Any] | None = None, form: str = "") -> float:
        """Asks anything; the seconds until it was answered."""
        body = json.dumps(manifest) if manifest is not None else None
        headers = self._headers | ({"Content-Type": form} if form else {})
        start = perf_counter()
        connection = self._connection()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        took = perf_counter() - start
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:500].decode()}")
        return took

    def connect(self) -> None:
        """Gives the calling thread a fresh connection, as the API server ends those that are idle for long."""
        known = getattr(self._mine, "connection", None)
        if known is not None:
            known.close()
        self._connection().connect()

    def _connection(self) -> http.client.HTTPSConnection:
        """The calling thread's own; a fresh one after a while, as the API server ends those that are idle for 90 s."""
        known: http.client.HTTPSConnection | None = getattr(self._mine, "connection", None)
        used, self._mine.used = getattr(self._mine, "used", 0.0), perf_counter()
        if known is not None and perf_counter() - used > IDLE_SECONDS:
            known.close()
        if known is None:
            known = http.client.HTTPSConnection("localhost", self._port, context=self._context, timeout=60)
            self._mine.connection = known
        return known
