"""The demo, run as a person runs it: through a pipe, to its end, and with `--stay` until it is interrupted."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from examples.demo import BROKEN, verdict

pytestmark = pytest.mark.slow

TOP = Path(__file__).parent.parent
DEMO = [sys.executable, "-u", "-m", "examples.demo"]


def run(*arguments: str) -> subprocess.Popen[str]:
    """The demo, started."""
    return subprocess.Popen([*DEMO, *arguments], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def children(process: subprocess.Popen[str]) -> Sequence[psutil.Process]:
    """What it has started, and what those have."""
    return psutil.Process(process.pid).children(recursive=True)


def test_the_demo_answers_everything_as_expected() -> None:
    ended = subprocess.run(DEMO, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    broken = len(list(BROKEN.iterdir()))
    assert lines[-1] == f"All as expected: the worked example passed without a word, {broken} broken variants did not."
    assert [line for line in lines if not line.isprintable()] == []
    assert "deployment.apps/sample-app created" in lines


def test_broken_files_state_fault_and_expectation() -> None:
    heads = {path.name: path.read_text().splitlines()[:2] for path in sorted(BROKEN.iterdir())}
    expected = re.compile(r"# expect: (deny|warn)( [a-z0-9-]+)+")
    bad = [name for name, (law, expect) in heads.items() if not law.startswith("# ") or not expected.fullmatch(expect)]
    assert bad == []


def test_cluster_of_the_demo_leaves_nothing_behind() -> None:
    process = run("--stay")
    assert process.stdout is not None
    command, port = "", 0
    for line in process.stdout:
        if line.startswith("  curl "):
            command, port = line.strip(), int(line.rsplit(":", 1)[1].split("/")[0])
            break
    started = children(process)
    answered = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20, check=False)
    process.send_signal(signal.SIGINT)
    assert '"allowed":false' in answered.stdout
    assert process.wait(60) == 0
    assert [child.pid for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_demo_that_is_ended_early_leaves_nothing_behind() -> None:
    process = run("--stay")
    end = time.monotonic() + 60
    while not (started := children(process)) and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(60) == 143
    assert [child.pid for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


def test_an_answer_is_put_into_the_words_of_the_expectation() -> None:
    cause = {"reason": "file-not-mounted", "message": "is wrong", "field": "spec"}
    weak = {"reason": "other", "message": "warning: is odd", "field": "spec"}
    status = {"details": {"causes": [cause, cause, weak]}}
    assert [
        verdict({"uid": "u", "allowed": False, "status": status}),  # type: ignore[typeddict-item]  # what it reads
        verdict({"uid": "u", "allowed": True, "warnings": ["Pod a/b: is odd [other]", "and this"]}),
        verdict({"uid": "u", "allowed": True}),
    ] == ["deny file-not-mounted", "warn other note", "allow"]
