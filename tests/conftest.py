"""Settings of Hypothesis for the whole suite, and the order of tests, also among workers; fixtures live beside those
that share them.

The build server draws the same examples every time; a laptop draws new ones. HYPOTHESIS_PROFILE=thorough looks longer.
"""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

settings.register_profile("default", deadline=None, derandomize=os.environ.get("CI") == "true", print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5_000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell that starts the suite in the background leaves Ctrl-C ignored, and so would be what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


INSTALLED = ("test_installation", "test_first_install", "test_injection", "test_kubectl")
"""Modules of tests/live that share one installation: one worker runs them, one after the other."""
LONGEST = (*INSTALLED, "test_doctor", "test_release", "test_leading", "test_faults", "test_readme_install")
"""Modules of tests/live that take minutes, most of it waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that wait for real parts come first, the longest before all, so that the others fill the gaps."""
    items.sort(key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> tuple[bool, int]:
    """What a test is sorted by."""
    module = _module(nodeid)
    live = "/live/" in nodeid
    return not live, LONGEST.index(module) if live and module in LONGEST else len(LONGEST)


def _module(nodeid: str) -> str:
    """The name of a test's module."""
    return Path(nodeid.partition("::")[0]).stem


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """A module is run by one worker, as with `--dist loadfile`; so are those that share an installation."""

    def _split_scope(self, nodeid: str) -> str:
        return INSTALLED[0] if _module(nodeid) in INSTALLED else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Takes the place of xdist's own for `--dist loadfile`."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None
