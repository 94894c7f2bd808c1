"""Processes that we start: each leads a group of its own, writes a log, and ends with us, however we end."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from rig import guard

STOP_SECONDS = 20
LOG_LINES = 30


@dataclass(eq=False)
class Family:
    """A folder for one rig and the processes that live in it; at the end of a `with` both are gone."""

    folder: Path = field(init=False)
    children: list["Child"] = field(default_factory=list)
    closed: bool = False
    _guard: IO[bytes] = field(init=False, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="rig-"))  # short: the path of a Unix socket ends at 107 characters
        self._guard = guard.start()
        self._tell(f"={self.folder}")
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True
        for child in reversed(self.children):
            child.kill()  # nothing here outlives the folder, so nobody needs to be asked
        self._guard.close()

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> "Child":
        """Starts a process; what it says goes to `<name>.log`, added to what is there."""
        with (self.folder / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment} if environment else None,
                start_new_session=True,
            )
        self._tell(f"+{started.pid}")
        child = Child(name, started, Path(log.name), self)
        self.children.append(child)
        return child

    def forget(self, child: "Child") -> None:
        """Leaves a process alone from now on: it has ended."""
        with suppress(ValueError):
            self.children.remove(child)
            self._tell(f"-{child.process.pid}")

    def _tell(self, line: str) -> None:
        """Says something to the guard."""
        with self._turn:
            self._guard.write(f"{line}\n".encode())
            self._guard.flush()


@dataclass(eq=False)
class Child:
    """A process that we started."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    family: Family = field(repr=False)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Asks it to end, and ends it with everything that it started when it has not done so in time."""
        self.resume()
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """Ends it, and everything that it started, at once."""
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.family.forget(self)

    def signal(self, number: int) -> None:
        """Sends it a signal, unless it has ended."""
        if self.running:
            self.process.send_signal(number)

    def pause(self) -> None:
        """Freezes it and all that it started, with their connections open, as a machine that hangs.

        Waits until every thread of it stands still: a busy machine takes a moment for that, in which it still answers.
        """
        self._signal_all(signal.SIGSTOP)
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Lets all of it go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        """Sends its whole group a signal, unless it has ended."""
        if self.running:
            os.killpg(self.process.pid, number)

    def said(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])
