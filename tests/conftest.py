"""Settings of Hypothesis for the whole suite, and the order of tests; fixtures live beside those that share them.

The build server draws the same examples every time; a laptop draws new ones. HYPOTHESIS_PROFILE=thorough looks longer.
"""

import os
import signal

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=os.environ.get("CI") == "true", print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5_000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell that starts the suite in the background leaves Ctrl-C ignored, and so would be what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that wait for real parts come first, so that the others fill the gaps where several workers run."""
    items.sort(key=lambda item: "/live/" not in item.nodeid)
