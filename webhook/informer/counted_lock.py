"""A lock that knows how many threads wait for it."""

from threading import RLock


class CountedLock:
    """A reentrant lock. waiting: how many threads wait for it now. inner: for a Condition, which is not counted."""

    def __init__(self) -> None:
        self.inner = RLock()
        self.waiting = 0

    def acquire(self, timeout: float = -1) -> bool:
        """Waits for the lock, so many seconds at most; whether it is held now."""
        if self.inner.acquire(blocking=False):
            return True
        self.waiting += 1  # two threads may count at once and be one short: then nobody is let pass for a moment
        try:
            return self.inner.acquire(timeout=timeout)
        finally:
            self.waiting -= 1

    def release(self) -> None:
        """Passes it on."""
        self.inner.release()

    def __enter__(self) -> bool:
        """Waits for the lock."""
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        """Passes it on."""
        self.release()
