"""Where a real part is neither here nor can be built: what then runs, what is said, and that a build server fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TOP = Path(__file__).parent.parent.parent
TOLD = "tests did not run: helm v4.3.1: install Go 1.26 or newer (https://go.dev/dl), or name a folder that holds what"


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Two tests of the chart, one of which needs Helm, on a machine with nothing but Python."""
    nothing = {"PATH": str(home), "XDG_CACHE_HOME": str(home), "KUBEBUILDER_ASSETS": "", "CI": "", **environment}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    asked = ["tests/live/test_chart_render.py", "tests/test_chart.py", "-k", "two_renders or version_of_the_package"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *asked, *arguments],
        cwd=TOP,
        env=kept | nothing,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize("workers", ["0", "2"])
def test_last_line_names_missing_parts(workers: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "--numprocesses", workers, "--dist", "loadfile")
    assert ran.returncode == 0
    *_, counted, last = ran.stdout.splitlines()
    assert counted.startswith("1 passed, 7 skipped")
    assert last.startswith(f"7 {TOLD}")


def test_on_a_build_server_that_is_a_failure(tmp_path: Path) -> None:
    ran = run(tmp_path, CI="true")
    assert ran.returncode == 1
    assert "PartMissing: helm v4.3.1: install Go" in ran.stdout
