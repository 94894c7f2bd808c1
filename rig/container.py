"""A Pod's container as a sandbox runs it: command, variables, mounts; expanded as the kubelet does."""

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.credentials import API_ADDRESS
from rig.sandbox import mounts_of_this_process
from rig.volumes import Filler, field_of

TOP = Path(__file__).resolve().parent.parent
ENTRYPOINT = ("mtls-guard",)
IMAGE = {
    "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    **({"PYTHONPYCACHEPREFIX": sys.pycache_prefix} if sys.pycache_prefix else {}),
}
"""The image is this checkout and its environment; entry point and variables are those of the Dockerfile, which
compiles all modules: here they may lie elsewhere."""
IMAGE_FOLDERS = (TOP, Path(sys.prefix), Path(sys.base_prefix))
UNITS = {"": 1, "m": 0.001, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
NODE = {"cpu": "2", "memory": str(2**31)}
"""What a container without limits could use."""
_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_][\w.-]*)\))")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Pod lives. folder: for volumes and sockets. address: of the Pod. egress: the socket of `rig.egress`."""

    folder: Path
    address: str
    egress: Path

    def volume(self, name: str) -> Path:
        """The folder of a volume."""
        return self.folder / "volumes" / name


def describe(pod: Mapping[str, Any], place: Place, filler: Filler) -> dict[str, Any]:
    """What `rig.sandbox` is told about the Pod's only container."""
    container = pod["spec"]["containers"][0]
    variables = variables_of(pod, container, filler)
    words = [*(container.get("command") or ENTRYPOINT), *container.get("args", [])]
    return {
        "outside": mounts_of_this_process(),
        "address": place.address,
        "api": API_ADDRESS,
        "socket": str(place.folder / "dials.sock"),
        "egress": str(place.egress),
        "root": str(place.folder / "root"),
        "readOnlyRoot": bool(container.get("securityContext", {}).get("readOnlyRootFilesystem")),
        "workingDir": container.get("workingDir", "/"),
        "command": [expand(word, variables) for word in words],
        "env": {**IMAGE, **variables},
        "mounts": [mount_of(one, place) for one in container.get("volumeMounts", [])],
        "image": [str(folder) for folder in IMAGE_FOLDERS],
    }


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replaces `$(NAME)`; what is unknown stays, `$$` is a dollar."""
    return _REFERENCE.sub(lambda found: "$" if found[1] == "$" else variables.get(found[2], found[0]), text)


def variables_of(pod: Mapping[str, Any], container: Mapping[str, Any], filler: Filler) -> dict[str, str]:
    """The container's variables: those of the API server's Service, then its own in their order."""
    variables = {
        "HOSTNAME": pod["metadata"]["name"],
        "KUBERNETES_SERVICE_HOST": API_ADDRESS,
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": f"tcp://{API_ADDRESS}:443",
    }
    for one in container.get("env", []):
        value = _value(pod, container, one, filler)
        if value is not None:
            variables[one["name"]] = expand(value, variables)
    return variables


def _value(pod: Mapping[str, Any], container: Mapping[str, Any], one: Mapping[str, Any], filler: Filler) -> str | None:
    """The value of one variable; None where it is optional and not there."""
    source = one.get("valueFrom")
    if not source:
        return str(one.get("value", ""))
    if "fieldRef" in source:
        return field_of(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return _resource(container, source["resourceFieldRef"]["resource"])
    kind, reference = next(iter(source.items()))
    held = filler.object_of("secrets" if kind == "secretKeyRef" else "configmaps", reference)
    return held[reference["key"]].decode() if reference["key"] in held else None


def _resource(container: Mapping[str, Any], path: str) -> str:
    """A limit or request as a number, cores rounded up, bytes as they are; without one, what the node has."""
    kind, _, name = path.partition(".")
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(container.get("resources", {}).get(kind, {}).get(name, "")))
    if not found:
        return NODE.get(name, "0")
    return str(math.ceil(float(found[1]) * UNITS[found[2]]))


def mount_of(one: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Where a volume is seen."""
    source = place.volume(one["name"]) / one.get("subPath", "")
    return {"source": str(source), "target": one["mountPath"], "readOnly": bool(one.get("readOnly"))}
