"""Work shared with forked processes where there is enough of it; forked, because they then see all that is here."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")

ENOUGH = 500
"""Items from which on a further process saves more than its start costs, about 10 ms."""
_BATCH = 100
_MOST = 4


class WorkerLost(click.ClickException):
    """A forked process ended before its work did."""

    exit_code = 2

    def __init__(self) -> None:
        """Says what usually ends a process from outside."""
        super().__init__("a process of mtls-guard was ended from outside; was there too little memory?")


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items in their order; when there are many, a process of its own makes them while the caller uses them.

    Raises:
        WorkerLost: that process ended early.
        Exception: whatever making an item raised.
    """
    rest = iter(items)
    yield from islice(rest, ENOUGH)
    more = list(islice(rest, 1))
    yield from more
    if not more or _processes() == 1:
        yield from rest
        return
    with _worker(_batches(rest)) as received:
        for batch in received:
            yield from batch


def shared(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """What the jobs return, in their order; when there are many, each processor does its part.

    Raises:
        WorkerLost: a process ended early.
        Exception: whatever a job raised.
    """
    many = len(jobs) // ENOUGH
    many = min(_processes(), many) if many > 1 else 1
    if many == 1:
        return [job() for job in jobs]
    starts = range(0, len(jobs), _BATCH)
    return _merged([_done(jobs, starts[one::many]) for one in range(many)], len(starts))


def _merged(shares: list[Iterator[list[T]]], batches: int) -> list[T]:
    """All results; the first share is done here, the others in a process each."""
    with ExitStack() as stack:
        others = [stack.enter_context(_worker(_at_once(share))) for share in shares[1:]]
        parts = [list(shares[0]), *(next(other) for other in others)]
    return [result for number in range(batches) for result in parts[number % len(parts)][number // len(parts)]]


def _done(jobs: Sequence[Callable[[], T]], starts: Sequence[int]) -> Iterator[list[T]]:
    """The results of the batches that begin there: neighbours mostly use the same rules, which are read once."""
    for start in starts:
        yield [job() for job in jobs[start : start + _BATCH]]


def _at_once(items: Iterator[T]) -> Iterator[list[T]]:
    """All items as one, sent when the last is done: whoever waits for them is at work until then, and reads nothing."""
    yield list(items)


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _processes() -> int:
    """How many processes may work at a time; one where processes cannot be forked."""
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return min(os.cpu_count() or 1, _MOST)


@contextmanager
def _worker(items: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """A forked process that goes through the items, and what it sends."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(items, theirs, ours), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _received(ours)
    finally:
        ours.close()
        process.terminate()
        process.join()


def _send(items: Iterator[Any], pipe: "Connection", other_end: "Connection") -> None:
    """Runs in the forked process. An item is sent in a list, None when there are no more, an error when it ends all."""
    other_end.close()
    gc.freeze()  # a collection would touch, and so copy, all memory that both processes share
    try:
        for item in items:
            pipe.send([item])
        pipe.send(None)
    except (BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:  # noqa: BLE001 - raised again where somebody waits for the items
        pipe.send(error)


def _received(pipe: "Connection") -> Iterator[Any]:
    while True:
        try:
            sent = pipe.recv()
        except EOFError:
            raise WorkerLost from None
        if sent is None:
            return
        if isinstance(sent, Exception):
            raise sent
        yield sent[0]
