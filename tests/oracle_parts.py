"""What a test does where a program that it asks is missing: skipped on a laptop, it fails on the build server."""

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

from rig.parts import PartMissing

T = TypeVar("T")
ON_BUILD_SERVER = os.environ.get("CI") == "true"


def needed(asked: Callable[[], T]) -> T:
    """The answer of a program that this machine may lack."""
    try:
        return asked()
    except PartMissing as missing:
        if ON_BUILD_SERVER:
            raise
        pytest.skip(str(missing))
