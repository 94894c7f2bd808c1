"""A few threads, and a bounded queue before them."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Work = TypeVar("Work")


class ThreadPool(Generic[Work]):
    """Does pieces of work, several at a time; the caller never waits."""

    def __init__(self, name: str, threads: int, most: int, work: Callable[[Work], None]) -> None:
        """most: pieces that wait at a time. work: must not raise."""
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._most, self._work = most, work
        self._threads = [
            Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(max(threads, 1))
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def put(self, piece: Work) -> bool:
        """Has it done as soon as a thread is free; False when too many wait already."""
        if self._queue.qsize() >= self._most:
            return False
        self._queue.put(piece)
        return True

    def waiting(self) -> int:
        """How many pieces wait for a thread."""
        return self._queue.qsize()

    def end(self) -> None:
        """Lets the threads end when everything that waits is done."""
        for _ in self._threads:
            self._queue.put(None)

    def _run(self) -> None:
        while (piece := self._queue.get()) is not None:
            self._work(piece)
