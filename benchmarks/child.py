"""Runs a command of ours as a person does, in a process of its own, and says what it took."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from urllib.parse import urlsplit

import psutil

LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took. processor: user and system. memory_mib: resident sets of all its processes, at most."""

    seconds: float
    processor_seconds: float
    memory_mib: float
    exit_code: int


def run(*arguments: str) -> Usage:
    """What `mtls-guard ARGUMENTS` took; what it prints goes nowhere.

    Python keeps what it compiled, as it does unless the environment forbids it: people install once and run often.
    """
    command, quiet = [program(), *arguments], subprocess.DEVNULL
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environ) as process, _watched(process.pid) as sizes:
        _, status, usage = os.wait4(process.pid, 0)
        took = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(took, usage.ru_utime + usage.ru_stime, max(usage.ru_maxrss / 1024, *sizes), process.returncode)


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Looks at the process and its children again and again. Yields the sums of their resident sets, in MiB."""
    sizes, ended = [0.0], Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            with suppress(psutil.NoSuchProcess):
                sizes.append(sum(one.memory_info().rss for one in family_of(psutil.Process(pid))) / 2**20)

    watcher = Thread(target=look)
    watcher.start()
    try:
        yield sizes
    finally:
        ended.set()
        watcher.join()


def processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """User and system time of these processes so far."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def family_of(process: psutil.Process) -> list[psutil.Process]:
    """The process and all that it started."""
    return [process, *process.children(recursive=True)]


def port_told(log: Path) -> int:
    """The port that a server says in its log that it listens on; 0 while it says nothing."""
    for line in log.read_text(encoding="utf-8").splitlines():
        if '"message":"serving"' in line and line.endswith("}"):
            return urlsplit(json.loads(line)["url"]).port or 0
    return 0


def program() -> str:
    """The installed command beside the interpreter that runs this.

    Raises:
        FileNotFoundError: it is not installed there.
    """
    found = shutil.which("mtls-guard", path=str(Path(sys.executable).parent))
    if found is None:
        raise FileNotFoundError("mtls-guard is not installed beside this interpreter: make .venv/.dev")
    return found
