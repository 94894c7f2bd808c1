"""Where a real part is neither here nor can be built, its tests are skipped, and the last line says what to install.

On a build server (CI=true) they fail, unless it is the machine itself that lacks what they need.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.control_plane import control_plane
from rig.installation import Installation, installed
from rig.parts import MachineLacks, PartMissing

FOLDER = Path(__file__).parent
MISSING = pytest.StashKey[dict[str, int]]()
"""What is missing, with the number of tests that would have needed it."""


@pytest.fixture(scope="package")
def installation() -> Iterator[Installation]:
    """A control plane with Istio's CRDs and the chart as shipped, its replicas running as Pods; one for all modules.

    It ends with the last test of this folder, so that it takes nothing from those that come later.
    """
    with control_plane() as cluster:
        cluster.apply_istio_crds()
        with installed(cluster) as found:
            yield found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On a build server, whose load is not ours, a test on real parts may fail once; the last lines name it then."""
    if os.environ.get("CI") == "true":
        for item in items:
            if item.path.is_relative_to(FOLDER):
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """A test whose fixtures miss a part is skipped."""
    try:
        return (yield)
    except PartMissing as error:
        raise _instead(item.config, error) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """So is one that asks for a part itself."""
    try:
        return (yield)
    except PartMissing as error:
        raise _instead(item.config, error) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Counts the tests that were skipped for it."""
    report = yield
    missing = item.config.stash.get(MISSING, {})
    if report.skipped and call.excinfo and (why := str(call.excinfo.value)) in missing:
        missing[why] += 1
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands on what did not run."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["missing"] = session.config.stash.get(MISSING, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker did not run is added to what others did not."""
    found = node.config.stash.setdefault(MISSING, {})
    for why, count in getattr(node, "workeroutput", {}).get("missing", {}).items():
        found[why] = found.get(why, 0) + count


def pytest_unconfigure(config: pytest.Config) -> None:
    """Says at the very end what did not run."""
    if not hasattr(config, "workeroutput"):
        for why, count in config.stash.get(MISSING, {}).items():
            print(f"{count} tests did not run: {why}")  # noqa: T201  # after everything that pytest says


def _instead(config: pytest.Config, error: PartMissing) -> BaseException:
    """What to raise: a skip, unless the test must run here."""
    if os.environ.get("CI") == "true" and not isinstance(error, MachineLacks):
        return error
    config.stash.setdefault(MISSING, {}).setdefault(str(error), 0)
    return pytest.skip.Exception(str(error))
