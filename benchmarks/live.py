"""Behind a real API server, in turns with no webhook and with one that answers without looking, small and large.

The one that answers without looking is a Flask handler on stock gunicorn (`noop`).
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Any

from benchmarks.api import Api
from benchmarks.child import program
from benchmarks.client import Connection
from benchmarks.cluster import Size, deployment, manifests, namespace
from benchmarks.contender import Contender
from benchmarks.row import Row
from benchmarks.worked import SECRET, manifest, objects, secret
from certs.issue import Dates, make_ca, make_leaf
from examples import material
from examples.apiserver import review
from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from rig.waiting import until

SMALL, LARGE = Size(100, 20, 20, 100), Size(5000, 1000, 1000, 5000)
PLAIN, ECHO, OURS = "plain", "echo", "ours"
TURNS, EACH, FRESH_EACH = 12, 30, 10
RATE, RATE_SECONDS, SENDERS = 100, 10, 8
_HOST_NAME = "kubernetes.io/metadata.name"


@dataclass(eq=False)
class Bench:
    """The API server and both webhooks behind it. numbers: of Secrets that no review has named so far."""

    api: Api
    echo: Contender
    ours: Contender
    numbers: Iterator[int]


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that a webhook adds at one connection, with the Secret's facts at hand and with a fresh read."""

    echo: float
    at_hand: float
    fresh: float


def rows() -> Iterator[Row]:
    """All figures of a cluster that grows."""
    with bench() as it:
        small = _latency(it)
        yield from _told(small, SMALL)
        grown(it)
        large = _latency(it)
        yield from _told(large, LARGE)
        yield Row(
            "added latency, large to small",
            large.at_hand / large.echo / (small.at_hand / small.echo),
            "x",
            1.2,
            robust=True,
        )
        ratio = large.fresh / large.echo / (small.fresh / small.echo)
        yield Row("the same with a fresh read", ratio, "x", 1.2, robust=True)
        yield from _under_load(it)
        _read_all(it.ours)
        yield Row(
            f"memory of the container with {LARGE.secrets} Secrets read", it.ours.memory_mib, "MiB", 130, robust=True
        )


@contextmanager
def bench() -> Iterator[Bench]:
    """A small cluster with both webhooks."""
    with control_plane(Options(controllers=False)) as plane:
        plane.apply_istio_crds()
        api = Api(plane)
        api.fill([*_around(), *manifests(SMALL)])
        material.write_webhook(plane.folder, datetime.now(UTC))
        echo, ours = started(plane, "echo"), started(plane, "ours")
        echo.register(plane, {"key": _HOST_NAME, "operator": "In", "values": [ECHO]})
        ours.register(plane, {"key": _HOST_NAME, "operator": "In", "values": [OURS]})
        it = Bench(api, echo, ours, count())
        _settled(it)
        yield it


def started(plane: ControlPlane, name: str) -> Contender:
    """One of the webhooks, on the certificate in the cluster's folder."""
    pair = (str(plane.folder / "tls.crt"), str(plane.folder / "tls.key"))
    if name == "echo":
        command = [sys.executable, "-m", "benchmarks.noop", *pair]
    else:
        tls = ["--bind", "127.0.0.1:0", "--cert", pair[0], "--key", pair[1]]
        command = [program(), "serve", "--log", "json", "--kubeconfig", str(plane.kubeconfig), *tls]
    compiled = {"PYTHONDONTWRITEBYTECODE": ""}  # as in benchmarks.child: people install once and start often
    return Contender(plane.family.start(name, command, compiled), plane.folder)


def _around() -> Iterator[dict[str, Any]]:
    """The worked example, its workloads in one of three namespaces, and a partner's clients, a Secret each, to read."""
    yield from (namespace(name) for name in (PLAIN, ECHO, OURS, "project"))
    yield from (one for one in objects() if one["kind"] in ("ServiceEntry", "DestinationRule", "VirtualService"))
    yield {**secret(), "metadata": {"name": SECRET, "namespace": OURS}}
    dates = Dates.around(datetime.now(UTC))
    ca = make_ca(dates)
    for number in range(2 * TURNS * FRESH_EACH):
        made = material.secret(f"fresh-{number}", material.values(make_leaf(ca, dates), ca))
        yield {**made, "metadata": {"name": f"fresh-{number}", "namespace": OURS}}


def grown(it: Bench) -> None:
    """Makes the small cluster a large one, and waits until our view has it."""
    it.api.fill(_added())
    _settled(it)


def _added() -> Iterator[dict[str, Any]]:
    """What the large cluster has beside the small one."""
    for one in manifests(LARGE):
        kind, name = one["kind"], one["metadata"]["name"]
        if kind != "Namespace" and int(name.split("-")[1]) >= (
            SMALL.rules if name.startswith("partner") else SMALL.secrets
        ):
            yield one


def _settled(it: Bench) -> None:
    """Waits until our view is ready and reviews are answered as they should be."""
    until(lambda: _accepted(it, worked(OURS)), "the worked example is admitted", 120)


def _accepted(it: Bench, one: dict[str, Any]) -> bool:
    try:
        return it.api.dry_run(one) > 0
    except RuntimeError:
        return False


def worked(space: str, mounted: str = SECRET) -> dict[str, Any]:
    """The worked example's Deployment in a namespace, with another Secret."""
    one = manifest("Deployment")
    meta = one["spec"]["template"]["metadata"]
    annotations = {key: value.replace(SECRET, mounted) for key, value in meta["annotations"].items()}
    template = {**one["spec"]["template"], "metadata": {**meta, "annotations": annotations}}
    return {**one, "metadata": {**one["metadata"], "namespace": space}, "spec": {**one["spec"], "template": template}}


def _latency(it: Bench) -> Latency:
    """Medians at one connection, in turns."""
    times: dict[str, list[float]] = {PLAIN: [], ECHO: [], OURS: [], "fresh": []}
    for _ in range(TURNS):
        for space in (PLAIN, ECHO, OURS):
            it.api.dry_run(worked(space))
            times[space] += [it.api.dry_run(worked(space)) for _ in range(EACH)]
        times["fresh"] += [it.api.dry_run(worked(OURS, f"fresh-{next(it.numbers)}")) for _ in range(FRESH_EACH)]
    plain, echo, ours, fresh = (median(held) * 1000 for held in times.values())
    return Latency(echo - plain, ours - plain, fresh - plain)


def _told(found: Latency, size: Size) -> Iterator[Row]:
    where = f"{size.rules} DestinationRules, {size.secrets} Secrets"
    yield Row(f"latency that a webhook adds which only echoes, {where}", found.echo, "ms")
    yield Row("ours, with the Secret's facts at hand, to that", found.at_hand / found.echo, "x", 1.5, robust=True)
    yield Row("ours, with a fresh read of the Secret, to that", found.fresh / found.echo, "x", 2.5, robust=True)


def _under_load(it: Bench) -> Iterator[Row]:
    """A hundred requests a second for a while, to each of the two."""
    echo, ours = (_cost(it, space, one) for space, one in ((ECHO, it.echo), (OURS, it.ours)))
    yield Row("processor time per review, to that of the echo", ours / echo, "x", 2, robust=True)
    yield Row("processor time per review", ours, "ms")
    times = it.ours.answer_milliseconds(RATE * RATE_SECONDS)
    yield Row(f"99th percentile of our own time at {RATE} requests a second", quantiles(times, n=100)[98], "ms", 15)


def _read_all(ours: Contender) -> None:
    """Has every Secret of the cluster read, by reviews of the workloads that name them."""
    connection = Connection(ours.port, ours.folder / "ca.crt")
    for number in range(LARGE.workloads):
        connection.post(asked(deployment(number, LARGE.rules)))


def asked(one: dict[str, Any]) -> bytes:
    """The review of a new object, as the API server sends it."""
    return json.dumps(review("CREATE", one)).encode()


def _cost(it: Bench, space: str, one: Contender) -> float:
    """Processor milliseconds per review, watches and all."""
    workload, before, start = worked(space), one.processor_seconds, perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = []
        for number in range(RATE * RATE_SECONDS):
            sleep(max(start + number / RATE - perf_counter(), 0))
            sent.append(pool.submit(it.api.dry_run, workload))
        for each in sent:
            each.result()
    return (one.processor_seconds - before) / len(sent) * 1000
