"""One Pod on our node: laid out, started, probed, and ended as a kubelet does: preStop, SIGTERM, its grace, SIGKILL."""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rig.api import Api, Refused
from rig.children import Child, Family
from rig.container import Place, describe
from rig.egress import connection_from
from rig.probe import Probe, probes_of
from rig.status import status_of
from rig.volumes import Filler, NotThere

TICK_SECONDS = 0.1
REFRESH_SECONDS = 1.0
"""How long a changed Secret takes to reach a mount; a kubelet needs up to two minutes, nobody here wants to wait."""
RESTART_SECONDS = 1.0
GRACE_SECONDS = 30


@dataclass(eq=False)
class Pod:
    """A Pod that was bound to us; a thread of its own carries it from start to end."""

    api: Api
    family: Family
    place: Place
    manifest: Mapping[str, Any]
    ending: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    child: Child | None = None
    restarts: int = 0
    _probes: dict[str, Probe] = field(default_factory=dict)
    _tokens: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    _told: Any = None

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return f"/api/v1/namespaces/{self.manifest['metadata']['namespace']}/pods/{self.name}"

    def live(self) -> None:
        """From start to end; then it is removed from the API server."""
        code: int | None = None
        while not self.ending.is_set() and code is None and not self.family.closed:
            if self._lay_out():
                code = self._run()
            else:
                self.ending.wait(REFRESH_SECONDS)
        if code is not None:
            self._tell("Succeeded" if code == 0 else "Failed", {"terminated": {"exitCode": code}})
            self.ending.wait()
        self._remove()

    def connect(self, port: int) -> socket.socket:
        """A connection to a port of the Pod, as the API server would have it.

        Raises:
            OSError: nobody listens there.
        """
        return connection_from(str(self.place.folder / "dials.sock"), port)

    def end(self, manifest: Mapping[str, Any]) -> None:
        """Lets it come to its end: it was deleted."""
        self.manifest = manifest
        self.ending.set()

    # ------------------------------------------------------------ start

    def _lay_out(self) -> bool:
        """Fills the volumes and starts the container; False while something is missing."""
        status = {"podIP": self.place.address, "hostIP": "127.0.0.1"}
        self.manifest = {**self.manifest, "status": {**self.manifest.get("status", {}), **status}}
        filler = Filler(self.api, self.manifest, tokens=self._tokens)
        try:
            self._fill(filler)
            spec = describe(self.manifest, self.place, filler)
        except NotThere as error:
            self._tell("Pending", {"waiting": {"reason": "ContainerCreating", "message": str(error)}})
            return False
        file = self.place.folder / "spec.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(spec), encoding="utf-8")
        Path(spec["socket"]).unlink(missing_ok=True)
        if Path(spec["root"]).exists():
            Path(spec["root"]).rmdir()  # its mounts went with the sandbox
        command: list[str | Path] = [*sandbox_prefix(), sys.executable, "-m", "rig.sandbox", file]
        self.child = self.family.start(f"pod-{self.name}", command)
        self._probes = probes_of(self.manifest, Path(spec["socket"]))
        return True

    def _fill(self, filler: Filler) -> None:
        """Fills every volume, or renews it."""
        for volume in self.manifest["spec"].get("volumes", []):
            filler.fill(volume, self.place.volume(volume["name"]))

    # ------------------------------------------------------------ run

    def _run(self) -> int | None:
        """Probes until the container has ended; its exit code when it shall not start again."""
        assert self.child
        refreshed = time.monotonic()
        ended: threading.Thread | None = None
        while self.child.running:
            if self.ending.is_set() and ended is None:
                ended = threading.Thread(target=self._stop, args=(self.child,), daemon=True)
                ended.start()
            if time.monotonic() - refreshed > REFRESH_SECONDS and ended is None:
                refreshed = time.monotonic()
                with suppress(NotThere, Refused, OSError):
                    self._fill(Filler(self.api, self.manifest, tokens=self._tokens))
            self._look()
            time.sleep(TICK_SECONDS)
        return self._ended(self.child)

    def _look(self) -> None:
        """Asks the probes, and tells what changed."""
        startup = self._probes.get("startupProbe")
        if startup and not startup.passed:
            startup.ask()
            if startup.passed is False and self.child:
                self.child.kill()
            return self._tell("Running", {"running": {}})
        liveness, readiness = self._probes.get("livenessProbe"), self._probes.get("readinessProbe")
        if liveness and not self.ending.is_set():
            liveness.ask()
            if liveness.passed is False and self.child:
                self.child.stop(GRACE_SECONDS)
        if readiness:
            readiness.ask()
        return self._tell("Running", {"running": {}}, ready=not readiness or bool(readiness.passed))

    def _ended(self, child: Child) -> int | None:
        """What its end means: an exit code for good, or None to start again."""
        code = child.process.wait()
        child.kill()
        policy = self.manifest["spec"].get("restartPolicy", "Always")
        if self.ending.is_set() or policy == "Never" or (policy == "OnFailure" and code == 0):
            return code
        self.restarts += 1
        self._tell("Running", {"waiting": {"reason": "CrashLoopBackOff", "message": f"exit code {code}"}})
        self.ending.wait(RESTART_SECONDS)
        return None

    def _stop(self, child: Child) -> None:
        """preStop, SIGTERM, what is left of the grace period, SIGKILL."""
        grace = self.manifest["metadata"].get("deletionGracePeriodSeconds", GRACE_SECONDS)
        end = time.monotonic() + grace
        hook = self.manifest["spec"]["containers"][0].get("lifecycle", {}).get("preStop", {})
        if "sleep" in hook:
            time.sleep(min(hook["sleep"]["seconds"], grace))
        child.stop(max(end - time.monotonic(), 2))

    # ------------------------------------------------------------ tell

    def _remove(self) -> None:
        """Says that nothing of it is left."""
        with suppress(Refused, OSError):
            self.api.delete(
                self.path, {"gracePeriodSeconds": 0, "preconditions": {"uid": self.manifest["metadata"]["uid"]}}
            )
        self.gone.set()

    def _tell(self, phase: str, state: Mapping[str, Any], *, ready: bool = False) -> None:
        """Writes the status, when it is another than the last one."""
        told = (phase, json.dumps(state), ready, self.restarts)
        if told == self._told:
            return
        with suppress(Refused, OSError):
            self.api.patch(
                f"{self.path}/status", {"status": status_of(self.manifest, phase, state, self.restarts, ready=ready)}
            )
            self._told = told


def sandbox_prefix() -> list[str]:
    """How a sandbox is entered: as root, or as a user with a namespace of users of its own."""
    return ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount", "--net"]
