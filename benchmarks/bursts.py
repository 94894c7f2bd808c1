"""Bursts of reviews after a pause, behind a real API server, in turns with a handler that does nothing.

On a small and on a large cluster, with 16 and with 64 connections; then 16 to 64 reviews at once after silence, on
large clusters in turns, so that each is silent while the others are asked. As shipped it takes about 45 minutes;
MTLS_GUARD_BENCH_PAUSE (60), _SILENCE (120), _ROUNDS (5) and _BURSTS (20) shorten it.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from statistics import median
from threading import Barrier
from time import perf_counter, sleep

from benchmarks.live import ECHO, LARGE, OURS, SMALL, Bench, bench, grown, worked
from benchmarks.row import Row


def _number(name: str, usual: int) -> int:
    return int(os.environ.get(f"MTLS_GUARD_BENCH_{name}", str(usual)))


PAUSE, SILENCE = _number("PAUSE", 60), _number("SILENCE", 120)
ROUNDS, BURSTS = _number("ROUNDS", 5), _number("BURSTS", 20)
SIZES, ROUND_SECONDS = (16, 64), 5.0
FEWER, LARGEST = (16, 32), 64
"""Reviews at once after silence."""
CLUSTERS = 4
"""How many of them take turns."""


@dataclass(slots=True)
class Rates:
    """Reviews a second of each round, and how many failed in all."""

    rates: list[float] = field(default_factory=list)
    failed: int = 0


def rows() -> Iterator[Row]:
    """All figures of a cluster that grows."""
    with bench() as it:
        for size in (SMALL, LARGE):
            if size is LARGE:
                grown(it)
            where = f"{size.rules} DestinationRules, {size.secrets} Secrets"
            for count in SIZES:
                yield from _compared(it, count, where)
        with _beside(it) as several:
            for count in FEWER:
                yield from _after_silence(several, count, PAUSE, ROUNDS)
            yield from _after_silence(several, LARGEST, SILENCE, BURSTS)


@contextmanager
def _beside(it: Bench) -> Iterator[list[Bench]]:
    """The cluster and others like it."""
    with ExitStack() as stack:
        several = [it]
        for _ in range(CLUSTERS - 1):
            several.append(stack.enter_context(bench()))
            grown(several[-1])
        yield several


def _compared(it: Bench, count: int, where: str) -> Iterator[Row]:
    """Both webhooks in turns, each round after a pause."""
    ours, noop = Rates(), Rates()
    with ThreadPoolExecutor(count) as pool:
        for number in range(ROUNDS):
            sleep(PAUSE)
            for space, found in ((ECHO, noop), (OURS, ours)) if number % 2 else ((OURS, ours), (ECHO, noop)):
                _round(it, pool, count, space, found)
    ratio = median(one / other for one, other in zip(ours.rates, noop.rates, strict=True))
    what = f"reviews a second with {count} connections after {PAUSE} s, {where}"
    yield Row(f"{what}, to the handler that does nothing", ratio, "x", 0.8, least=True, robust=True)
    yield Row("failed reviews", ours.failed, "", 0, robust=True)
    yield Row("reviews a second", median(ours.rates), "")
    yield Row("of the handler that does nothing", median(noop.rates), "")
    yield Row("failed reviews of it", noop.failed, "")


def _round(it: Bench, pool: ThreadPoolExecutor, count: int, space: str, found: Rates) -> None:
    """So many clients send one review after the other for a while."""
    together = Barrier(count, timeout=120)
    answers = list(pool.map(lambda _: _for_a_while(it, space, together), range(count)))
    found.rates.append(sum(good for good, _ in answers) / ROUND_SECONDS)
    found.failed += sum(bad for _, bad in answers)


def _for_a_while(it: Bench, space: str, together: Barrier) -> tuple[int, int]:
    """How many reviews were answered and how many failed."""
    good = bad = 0
    workload = worked(space)
    it.api.connect()
    together.wait()
    end = perf_counter() + ROUND_SECONDS
    while perf_counter() < end:
        try:
            it.api.dry_run(workload)
            good += 1
        except RuntimeError:
            bad += 1
    return good, bad


def _after_silence(several: Sequence[Bench], count: int, silence: int, times: int) -> Iterator[Row]:
    """So many reviews at once after silence, again and again; of each cluster, the silence lasts this long at least."""
    slowest, failed = [], 0
    with ThreadPoolExecutor(count) as pool:
        for number, it in zip(range(times), cycle(several), strict=False):
            sleep(silence / len(several) if number else silence)
            seconds = list(pool.map(partial(_one, it), [Barrier(count, timeout=120)] * count))
            failed += sum(one is None for one in seconds)
            slowest.append(max(one or 0.0 for one in seconds))
    yield Row(f"{count} reviews at once after {silence} s of silence, {times} times: the slowest", max(slowest), "s", 1)
    yield Row("median of the slowest", median(slowest), "s")
    yield Row("failed reviews", failed, "", 0, robust=True)


def _one(it: Bench, together: Barrier) -> float | None:
    """The seconds of one review, None when it failed."""
    it.api.connect()
    together.wait()
    try:
        return it.api.dry_run(worked(OURS))
    except RuntimeError:
        return None
