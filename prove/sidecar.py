"""An injected Pod, run: its volumes laid out as the kubelet does, its init container and sidecar in a sandbox.

Its application is not run: what that would send, `Running.request` sends.
"""

import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prove.machine import PREFIX, envoy
from prove.mesh import NAMESPACE, Mesh
from rig.api import Api
from rig.children import Child
from rig.container import Place, expand, mount_of, variables_of
from rig.credentials import API_ADDRESS
from rig.iptables import iptables
from rig.parts import MANIFESTS, have
from rig.sandbox import mounts_of_this_process
from rig.volumes import Filler
from rig.waiting import until

PROXY, INIT = "istio-proxy", "istio-init"
TOKEN_MODE = 0o644
"""A projected token is readable by all where the Pod names no group. Source: KEP 2451, as the kubelet has it."""
AGENT, ENVOY = "/usr/local/bin/pilot-agent", "/usr/local/bin/envoy"
BOOTSTRAP = "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json"
RESOLVER = "nameserver 127.0.0.1\noptions ndots:1\n"
COMPLAINT = re.compile(r"\terror\tcache\tresource:.* failed to generate secret .* last error: (.*)")
CERTIFICATES = "http://localhost:15000/certs"
START_SECONDS = 60
ANSWER_SECONDS = 60


class NotStarted(Exception):
    """A container could not be started; the text is what the kubelet's event, or the log, would say."""


@dataclass(eq=False)
class Running:
    """A Pod that runs."""

    manifest: Mapping[str, Any]
    place: Place
    child: Child
    filler: Filler

    def request(self, url: str, *, impostor: bool = False) -> dict[str, Any]:
        """What the application gets from a URL: `status`, `body`, the partner's `notes`, the `agent`'s complaint.

        impostor: somebody else answers in the partner's place.
        """
        return {**self._ask({"do": "request", "url": url, "impostor": impostor}), "agent": self._complaint()}

    @property
    def ready(self) -> bool:
        """Whether the sidecar is ready to carry traffic.

        Raises:
            NotStarted: it has ended.
        """
        answer = self._ask({"do": "ready"})
        if answer["ended"] is not None:
            raise NotStarted(f"{PROXY} ended with {answer['ended']}: {self.child.said()}")
        return bool(answer["ready"])

    @property
    def mesh_identity(self) -> str:
        """The URI of the certificate that Envoy has for the mesh; empty where it has none."""
        told = self._ask({"do": "request", "url": CERTIFICATES, "impostor": False})["body"]
        found = re.search(r'"(spiffe://[^"]+/sa/[^"]+)"', str(told))
        return found[1] if found else ""

    def refresh(self) -> None:
        """Lets the volumes show what is in the cluster now.

        Raises:
            NotThere: something that they show is gone.
        """
        lay_out(self.filler, self.place)

    def stop(self) -> None:
        """Ends it, and removes what it wrote."""
        self.child.kill()
        shutil.rmtree(self.place.folder, ignore_errors=True)

    def _complaint(self) -> str:
        """Why the agent could not load a file, in its words; the last time that it said so."""
        said = COMPLAINT.findall(self.child.log.read_text(encoding="utf-8", errors="replace"))
        return str(said[-1]) if said else ""

    def _ask(self, question: object) -> dict[str, Any]:
        """One question to the inside."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(ANSWER_SECONDS)
            asked.connect(str(self.place.folder / "inside.sock"))
            with asked.makefile("rw") as stream:
                stream.write(json.dumps(question) + "\n")
                stream.flush()
                line = stream.readline()
        if not line:
            raise NotStarted(f"the sandbox gave no answer: {self.child.said()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(frozen=True, slots=True)
class Meeting:
    """Whom a Pod calls. partner: the folder of the partner's certificates. names: of Services, with their addresses."""

    partner: Path
    hosts: frozenset[str]
    names: Mapping[str, str]


def run(istio: Mesh, manifest: Mapping[str, Any], met: Meeting, folder: Path) -> Running:
    """Starts a Pod; it need not be ready yet.

    Raises:
        NotThere: a volume shows what is not there, so the Pod waits for it.
        NotStarted: a container could not be started.
    """
    cluster = istio.cluster
    folder.mkdir()
    place = Place(folder, "10.244.0.7", cluster.folder / "egress.sock")
    status = {**manifest.get("status", {}), "podIP": place.address, "hostIP": "127.0.0.1"}
    pod = {**manifest, "status": status}
    filler = Filler(Api.of(cluster.kubeconfig, cluster.credentials.ca), pod, TOKEN_MODE)
    lay_out(filler, place)
    known = {f"istiod.{NAMESPACE}.svc": istio.address, "kubernetes.default.svc": API_ADDRESS, "localhost": "127.0.0.1"}
    known |= met.names
    spec = {
        "outside": mounts_of_this_process(),
        "address": place.address,
        "services": [f"{API_ADDRESS}:443", f"{istio.address}:15012"],
        "names": known,
        "egress": str(place.egress),
        "socket": str(folder / "inside.sock"),
        "root": str(folder / "root"),
        "partner": str(met.partner),
        "hosts": sorted(met.hosts),
        "tools": {**os.environ, **iptables()},
        "init": _init(pod, filler),
        "sidecar": _sidecar(pod, filler, place),
    }
    file = folder / "spec.json"
    file.write_text(json.dumps(spec), encoding="utf-8")
    child = cluster.family.start(f"sidecar-{folder.name}", [*PREFIX, sys.executable, "-m", "prove.inside", file])
    running = Running(pod, place, child, filler)
    until(lambda: _listens(running), "the sandbox answers", START_SECONDS)
    return running


def lay_out(filler: Filler, place: Place) -> None:
    """Fills the volumes, or renews them.

    Raises:
        NotThere: something that they show is not there.
    """
    security = filler.pod["spec"].get("securityContext") or {}
    for volume in filler.pod["spec"].get("volumes", []):
        folder = place.volume(volume["name"])
        filler.fill(volume, folder)
        if "emptyDir" in volume:
            folder.chmod(0o777)
        elif "fsGroup" in security:
            _give(folder, security["fsGroup"])


def _give(folder: Path, group: int) -> None:
    """Lets a group read a volume, as fsGroup does for volumes that are read-only."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.chown(path, -1, group)
            path.chmod(path.stat().st_mode | (0o550 if path.is_dir() else 0o440))


def _listens(running: Running) -> bool:
    """Whether the inside is set up. Where it has ended, the last line that it said is why."""
    if not running.child.running:
        raise NotStarted(running.child.said().rstrip().rpartition("\n")[2])
    with socket.socket(socket.AF_UNIX) as tried:
        return tried.connect_ex(str(running.place.folder / "inside.sock")) == 0


def containers(pod: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The containers of a Pod by name, init containers too."""
    spec = pod["spec"]
    return {one["name"]: one for one in (*spec.get("initContainers", []), *spec["containers"])}


def _init(pod: Mapping[str, Any], filler: Filler) -> dict[str, Any] | None:
    """What sets the network rules; None where the Pod has nothing of the kind."""
    container = containers(pod).get(INIT)
    if not container:
        return None
    variables = variables_of(pod, container, filler)
    words = [expand(word, variables) for word in container.get("args", [])]
    return {"command": [str(have("pilot-agent")), *words], "env": {**os.environ, **variables, **iptables()}}


def _sidecar(pod: Mapping[str, Any], filler: Filler, place: Place) -> dict[str, Any] | None:
    """The sidecar's command, variables, mounts and user; None where the Pod has none that is Istio's."""
    container = containers(pod).get(PROXY)
    if not container:
        return None
    variables = variables_of(pod, container, filler)
    security = {**(pod["spec"].get("securityContext") or {}), **container.get("securityContext", {})}
    uid = security.get("runAsUser", 0)
    return {
        "command": [AGENT, *(expand(word, variables) for word in container.get("args", []))],
        "env": {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", **variables},
        "mounts": [*_image(place), *_mounts(container, place)],
        "uid": uid,
        "gid": security.get("runAsGroup", uid),
        "groups": [security["fsGroup"]] if "fsGroup" in security else [],
    }


def _image(place: Place) -> list[dict[str, Any]]:
    """What Istio's image holds, at its places, as mounts; and the file that says where names are asked for."""
    resolver = place.folder / "resolv.conf"
    resolver.write_text(RESOLVER, encoding="utf-8")
    template = have(MANIFESTS).parent / "tools" / "packaging" / "common" / "envoy_bootstrap.json"
    held = {AGENT: have("pilot-agent"), ENVOY: envoy(), BOOTSTRAP: template, "/etc/resolv.conf": resolver}
    return [{"source": str(source), "target": target, "readOnly": True} for target, source in held.items()]


def _mounts(container: Mapping[str, Any], place: Place) -> list[dict[str, Any]]:
    """The container's mounts, outer ones first; where one lies in another's, a folder is made in it, as runtimes do.

    A subPath that is not there becomes a folder, as the kubelet does it.
    """
    mounts = sorted((mount_of(one, place) for one in container.get("volumeMounts", [])), key=_depth)
    for number, one in enumerate(mounts):
        if not Path(one["source"]).exists():
            Path(one["source"]).mkdir(parents=True)
        for outer in mounts[:number]:
            target, above = Path(one["target"]), Path(outer["target"])
            if above in target.parents and Path(outer["source"]).is_dir():
                Path(outer["source"], target.relative_to(above)).mkdir(parents=True, exist_ok=True)
    return mounts


def _depth(mount: Mapping[str, Any]) -> int:
    return len(Path(mount["target"]).parts)
