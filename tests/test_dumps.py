"""No process of the server writes a memory image: freed memory still holds bytes of Secrets."""

import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from examples import material
from examples.apiserver import webhook
from examples.demo import WORKED

DUMPABLE = """
import ctypes, resource
from webhook.serving.core_dumps import forbid_dumps
libc = ctypes.CDLL(None)
resource.setrlimit(resource.RLIMIT_CORE, (4096, resource.getrlimit(resource.RLIMIT_CORE)[1]))
print(libc.prctl(3, 0, 0, 0, 0), end=" ")
forbid_dumps()
print(libc.prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""
"""prctl 3 is PR_GET_DUMPABLE."""


def core_limits(process: psutil.Process) -> list[str]:
    """Soft and hard limit of a process's core files, as the kernel has them."""
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    return next(line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_dumps_are_forbidden_whatever_was_allowed() -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("this machine allows no core files to begin with")
    done = subprocess.run([sys.executable, "-c", DUMPABLE], check=True, capture_output=True, text=True)
    assert done.stdout == "1 0 0 0\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_every_process_of_the_server_has_a_core_limit_of_zero(tmp_path: Path) -> None:
    material.write_webhook(tmp_path, datetime.now(UTC))
    with webhook(tmp_path, WORKED):
        found = [one for one in psutil.Process().children(recursive=True) if "serve" in one.cmdline()]
        assert len(found) >= 1
        assert {tuple(core_limits(one)) for one in found} == {("0", "0")}
