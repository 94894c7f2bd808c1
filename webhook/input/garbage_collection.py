"""How often Python looks for garbage while a command runs that only gathers."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_EACH = 100_000
"""Objects that come to be between two looks; Python's own 700 costs a fifth of the time of a large `check`."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Within it garbage is looked for less often: manifests and what is read from them are no cycles, and stay."""
    usual = gc.get_threshold()
    gc.set_threshold(_EACH, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
