"""The real Helm, with nothing of this machine's Helm in its way."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from rig.control_plane import ControlPlane
from rig.parts import have

SECONDS = 240


class HelmFailed(AssertionError):
    """Helm ended with an error; the text is all that it said."""


def helm(*arguments: str | Path, values: Mapping[str, Any] | None = None, cluster: ControlPlane | None = None) -> str:
    """What Helm says. values: besides those of the chart.

    Raises:
        HelmFailed: it ended with an error.
    """
    ran = helm_ran(*arguments, values=values, cluster=cluster)
    if ran.returncode:
        raise HelmFailed(f"helm {' '.join(map(str, ran.args[1:]))}: {ran.stdout}{ran.stderr}")
    return ran.stdout


def helm_ran(
    *arguments: str | Path, values: Mapping[str, Any] | None = None, cluster: ControlPlane | None = None
) -> subprocess.CompletedProcess[str]:
    """How Helm ended, with all that it printed, warnings too."""
    given: list[str | Path] = [*arguments, "--values", "-"] if values is not None else [*arguments]
    environment = cluster.environment() if cluster else {**os.environ, "KUBECONFIG": os.devnull}
    with TemporaryDirectory() as home:
        return subprocess.run(
            [have("helm"), *given],
            input=yaml.safe_dump(values) if values is not None else None,
            env={**environment, "HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home, "HELM_DATA_HOME": home},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
