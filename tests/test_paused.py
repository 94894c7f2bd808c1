"""A server whose whole process stops for a while: paused by somebody, or with its machine."""

import time
from pathlib import Path

import psutil
import pytest

from rig.waiting import until
from tests.test_watched import serving

pytestmark = pytest.mark.slow

PAUSE_SECONDS = 32
"""Longer than gunicorn by itself lets a worker be silent."""


def test_suspended_server_keeps_its_worker(tmp_path: Path) -> None:
    """A successor would have to list the cluster first, and the replica be unready meanwhile."""
    with serving(tmp_path) as server:
        assert server.ask() == 200
        before = server.process.children()
        every: list[psutil.Process] = [server.process, *before]
        for process in every:
            process.suspend()
        time.sleep(PAUSE_SECONDS)
        for process in reversed(every):
            process.resume()
        until(lambda: server.ask() == 200, "it answers again")
        time.sleep(2)  # the arbiter looks at its workers once a second
        assert server.process.children() == before
        assert server.ask() == 200
