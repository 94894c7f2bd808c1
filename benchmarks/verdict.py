"""One verdict in the process: from the bytes of the review to the bytes of the answer, no server around it."""

import gc
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any

import orjson

from benchmarks.cluster import Size, destination_rule, manifests
from benchmarks.row import Row
from benchmarks.worked import manifest, put_worked
from examples.apiserver import review
from webhook.admission import read_review, respond
from webhook.engine import judge
from webhook.model.finding import Verdict
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.rules import catalogue
from webhook.view import Snapshot

WORKLOADS, MANY, USUAL, FEW = 5000, 10_000, 1000, 10
ROUNDS, EACH = 20, 100
CHANGES, UPDATES = 40, 20


def rows() -> Iterator[Row]:
    """The figures of the worked example in clusters of different size, measured in turns."""
    catalogue()
    views = {count: view_of(count) for count in (FEW, USUAL, MANY)}
    gc.collect()
    gc.freeze()  # as the server does
    body = json.dumps(review("CREATE", manifest("Deployment"))).encode()
    asked = {count: _asking(view, body) for count, view in views.items()}
    times = _in_turns(asked)
    among = f"among {USUAL} DestinationRules, {USUAL} ServiceEntries, {WORKLOADS} workloads"
    yield Row(f"a verdict in process, {among}", times[USUAL], "ms", 0.5)
    yield Row(
        f"its time with {MANY} DestinationRules to that with {FEW}", times[MANY] / times[FEW], "x", 1.5, robust=True
    )
    yield Row(f"a verdict right after a DestinationRule changed, {among}", _after_changes(views[USUAL], body), "ms")
    rule = manifest("DestinationRule")
    update = json.dumps(review("UPDATE", rule, rule)).encode()
    yield Row(f"a verdict on the DestinationRule, {among}", _repeated(_asking(views[USUAL], update)), "ms")
    gc.unfreeze()


def view_of(rules: int) -> Snapshot:
    """The worked example among so many rules and ServiceEntries."""
    view = Snapshot()
    for one in manifests(Size(WORKLOADS, rules, rules, 0)):
        view.put(one)
    put_worked(view)
    return view


def _asking(view: Snapshot, body: bytes) -> Callable[[], bytes]:
    """Answers the review as the server does."""

    def judged(request: Request) -> Verdict:
        return judge(request, view, Policy(), datetime.now(UTC))

    def ask() -> bytes:
        return orjson.dumps(respond(read_review(body), judged, _raise)[1])

    assert json.loads(ask())["response"]["allowed"] is True
    return ask


def _raise(error: Exception) -> None:
    raise error


def _in_turns(asked: dict[int, Callable[[], Any]]) -> dict[int, float]:
    """The median milliseconds of each, a hundred at a time in turns."""
    found: dict[int, list[float]] = {count: [] for count in asked}
    for _ in range(ROUNDS):
        for count, ask in asked.items():
            found[count] += [_milliseconds(ask) for _ in range(EACH)]
    return {count: median(held) for count, held in found.items()}


def _repeated(ask: Callable[[], Any]) -> float:
    """The median milliseconds of what takes long."""
    return median(_milliseconds(ask) for _ in range(UPDATES))


def _after_changes(view: Snapshot, body: bytes) -> float:
    """The median of the first verdicts after a change of somebody else's rule each."""
    ask, times = _asking(view, body), []
    for number in range(CHANGES):
        changed = destination_rule(number)
        changed["spec"]["trafficPolicy"]["portLevelSettings"][0]["tls"]["sni"] = f"changed-{number}.example.com"
        view.put(changed)
        times.append(_milliseconds(ask))
    return median(times)


def _milliseconds(ask: Callable[[], Any]) -> float:
    start = perf_counter()
    ask()
    return (perf_counter() - start) * 1000
