"""The cluster of the matrix: controllers, Istio's own istiod and injector, the chart by Helm, and the other webhook."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sys import prefix
from typing import Any

from prove.injection.cells import CREATE, MODES, NONE, Cell
from prove.injection.client import Client
from prove.injection.objects import around, namespace, workload
from prove.injection.other import other_webhook
from prove.mesh import Mesh, mesh
from rig.control_plane import ControlPlane, control_plane
from rig.installation import Installation, installed
from rig.waiting import until
from webhook.istio.injector.annotations import USER_VOLUME_MOUNT

REPLICAS = 2
PROBE = Cell(MODES[0], NONE, CREATE, "Deployment")
"""Its namespace shows whether templates are written into."""
SETTLE_SECONDS = 90
CHECK_SECONDS = 300


@dataclass(eq=False)
class Stage:
    """The cluster, and the mode of injection that is installed."""

    plane: ControlPlane
    ours: Installation
    istio: Mesh
    mode: str = MODES[0]
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        """Connects, and puts what shows the mode."""
        self.client = Client(self.plane)
        self.plane.apply(namespace(PROBE), *around(PROBE, CREATE.before))
        self._settle()

    def switch(self, mode: str) -> None:
        """`helm upgrade` to another mode, until the API server calls the entries as they are then."""
        if mode != self.mode:
            self.ours.helm("upgrade", replicas=REPLICAS, injection={"into": mode})
            self.ours.wait()
            self.mode = mode
            self._settle()

    def findings(self) -> Sequence[Any]:
        """What `mtls-guard check --live` says of the whole cluster: objects and their findings."""
        program = Path(prefix) / "bin" / "mtls-guard"
        ran = subprocess.run(
            [program, "check", "--live", "-o", "json"],
            env=self.plane.environment(),
            capture_output=True,
            text=True,
            timeout=CHECK_SECONDS,
            check=False,
        )
        return list(json.loads(ran.stdout)["verdicts"])

    def _settle(self) -> None:
        """Waits until templates are written into, or no more."""
        until(self._is_settled, f"injection writes into {self.mode}", SETTLE_SECONDS, every=0.5)

    def _is_settled(self) -> bool:
        manifest = workload(PROBE, CREATE.before)
        manifest["metadata"]["name"] = "probe"
        tried = self.client.apply(manifest, "&dryRun=All")
        if tried.refused:
            return False
        written = USER_VOLUME_MOUNT in tried.body["spec"]["template"]["metadata"]["annotations"]
        return bool(written == (self.mode == "Templates"))


@contextmanager
def stage() -> Iterator[Stage]:
    """All of it at work.

    Raises:
        PartMissing: a part is neither here nor can it be built, or Pods cannot run on this machine.
    """
    with (
        control_plane() as plane,
        mesh(plane) as istio,
        installed(plane, {"replicas": REPLICAS}) as ours,
        other_webhook(plane),
    ):
        yield Stage(plane, ours, istio)
