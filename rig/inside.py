"""Runs a command inside a Pod's container, as `kubectl exec` does: its root, its network, its variables."""

import json
import os
import subprocess

import psutil

from rig.pod import Pod

SECONDS = 120


def run_inside(pod: Pod, *words: str) -> subprocess.CompletedProcess[str]:
    """What the command said, and its exit code."""
    assert pod.child
    told = json.loads((pod.place.folder / "spec.json").read_text(encoding="utf-8"))
    (container,) = psutil.Process(pod.child.process.pid).children()
    user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    enter = ["nsenter", f"--target={container.pid}", *user, "--mount", "--net", "--root", "--wd"]
    variables = [f"{name}={value}" for name, value in told["env"].items()]
    command = [*enter, "/usr/bin/env", "-i", *variables, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
