"""No memory image of a process is written: memory that was freed still holds bytes of Secrets.

Both settings hold for the processes that are forked afterwards, gunicorn's workers among them.
"""

import ctypes
import resource
from contextlib import suppress

_PR_SET_DUMPABLE = 4
"""linux/prctl.h; 0: no core dump, and no other process of the same user may attach (ptrace) or read /proc/PID/mem."""


def forbid_dumps() -> None:
    """From now on the process leaves no core dump, whatever limits the node or the container runtime sets."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(AttributeError, OSError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
