"""Stands in for the API server: starts the real webhook, and sends it AdmissionReviews over verified TLS."""

import http.client
import json
import shutil
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from webhook.admission.wire import Review

START_SECONDS = 120
STOP_SECONDS = 10


class NoServer(Exception):
    """The webhook did not start; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that runs. folder: holds `ca.crt`, to verify it with, and its log."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Where reviews go."""
        return f"https://localhost:{self.port}/validate"

    def submit(self, review: Mapping[str, Any]) -> Review:
        """The answer to one AdmissionReview."""
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=10)
        try:
            connection.request(
                "POST", "/validate?timeout=10s", json.dumps(review), {"Content-Type": "application/json"}
            )
            return cast("Review", json.loads(connection.getresponse().read()))
        finally:
            connection.close()


def review(operation: str, new: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The AdmissionReview that the API server would send for this object."""
    metadata = new["metadata"]
    group, _, version = new["apiVersion"].rpartition("/")
    request = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": group, "version": version, "kind": new["kind"]},
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "operation": operation,
        "userInfo": {"username": "jane"},
        "object": new,
        "oldObject": old,
        "dryRun": False,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


@contextmanager
def webhook(folder: Path, *cluster: Path) -> Iterator[Webhook]:
    """A webhook on these manifests, with the certificate in the folder; stopped at the end, whatever ends it.

    Raises:
        NoServer: it does not start.
    """
    tls = ["--cert", str(folder / "tls.crt"), "--key", str(folder / "tls.key")]
    paths = [word for path in cluster for word in ("--cluster", str(path))]
    command = [*_program(), "serve", "--bind", "127.0.0.1:0", "--log", "json", *tls, *paths]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield Webhook(_port(process, folder / "log"), folder)
        finally:
            _stop(process)


def _program() -> list[str]:
    """The installed command, or the module behind it where it is not installed."""
    found = shutil.which("mtls-guard", path=str(Path(sys.executable).parent))
    return [found] if found else [sys.executable, "-c", "from webhook.main import run; run()"]


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port that the webhook says it listens on, as soon as it says so."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"message":"serving"' in line and line.endswith("}"):
                return urlsplit(json.loads(line)["url"]).port or 0
        time.sleep(0.02)
    raise NoServer(log.read_text(encoding="utf-8").strip() or f"no word from it in {START_SECONDS} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the webhook: asks first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
