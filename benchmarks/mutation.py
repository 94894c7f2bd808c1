"""The mutation: in the process, as a patch, and over TLS beside a handler that answers without looking."""

import base64
import copy
import gc
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from time import perf_counter, process_time
from typing import Any

import orjson

from benchmarks.row import Row
from benchmarks.serving import in_turns
from benchmarks.verdict import USUAL, WORKLOADS, view_of
from benchmarks.worked import SECRET, manifest
from examples.apiserver import review
from webhook.admission import read_review, respond_mutation
from webhook.inject import Mutation, mutate
from webhook.model.expiry_horizon import Horizon
from webhook.model.request import Request
from webhook.view import Snapshot

ROUNDS, EACH = 20, 100
ANNOTATIONS = "sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount"


def rows() -> Iterator[Row]:
    """Time, size and cost."""
    body = json.dumps(review("CREATE", asking())).encode()
    yield from _in_process(body)
    echo, ours = in_turns(body, "/mutate")
    added = median(one / other for one, other in zip(ours.waits, echo.waits, strict=True))
    cost = median(one / other for one, other in zip(ours.costs, echo.costs, strict=True))
    yield Row("latency of a mutation through gunicorn and TLS, to that of a handler that only echoes", added, "x", 2)
    yield Row("processor time per mutation, to that handler's", cost, "x", 2, robust=True)
    yield Row("processor time per mutation", median(ours.costs), "ms")


def asking() -> dict[str, Any]:
    """A Pod of the worked example that opts in."""
    template = copy.deepcopy(manifest("Deployment")["spec"]["template"])
    held = {name: value for name, value in template["metadata"]["annotations"].items() if name not in ANNOTATIONS}
    metadata = {**template["metadata"], "name": "sample-app", "namespace": "devel"}
    metadata["annotations"] = {**held, "mtls-guard.io/client-secret": SECRET}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _in_process(body: bytes) -> Iterator[Row]:
    """From the bytes of the review to those of the answer, in a cluster of usual size."""
    view = view_of(USUAL)
    gc.collect()
    gc.freeze()  # as the server does
    times: list[float] = []
    costs: list[float] = []
    answer = _answer(view, body)
    for _ in range(ROUNDS):
        before = process_time()
        for _ in range(EACH):
            start = perf_counter()
            _answer(view, body)
            times.append((perf_counter() - start) * 1000)
        costs.append((process_time() - before) / EACH * 1000)
    gc.unfreeze()
    among = f"among {USUAL} DestinationRules, {USUAL} ServiceEntries, {WORKLOADS} workloads"
    yield Row(f"a mutation in process, {among}", median(times), "ms", 1)
    yield Row("its processor time", median(costs), "ms", 1)
    yield from _size(orjson.loads(answer))


def _size(answer: dict[str, Any]) -> Iterator[Row]:
    """What the patch has beyond the two annotations."""
    patch = orjson.loads(base64.b64decode(answer["response"]["patch"]))
    paths = {f"/metadata/annotations/{name.replace('/', '~1')}" for name in ANNOTATIONS}
    beyond = [one for one in patch if one["op"] != "add" or one["path"] not in paths]
    yield Row("operations of its patch beyond the two annotations", len(beyond), "", 0, robust=True)
    yield Row("bytes of its patch", len(orjson.dumps(patch)), "")


def _answer(view: Snapshot, body: bytes) -> bytes:
    """The answer to the review, as the server makes it."""

    def mutated(request: Request) -> Mutation:
        return mutate(request, view, Horizon(datetime.now(UTC)))

    return orjson.dumps(respond_mutation(read_review(body), mutated, _raise)[1])


def _raise(error: Exception) -> None:
    raise error
