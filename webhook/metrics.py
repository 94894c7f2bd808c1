"""Metrics for Prometheus, served over plain HTTP on a port of their own; knows nothing of how their values come about.

Never the name of an object as a label: what is judged are thousands.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from webhook.inject import Mutation
from webhook.kinds.registry import SHARED_KINDS, WORKLOAD_KINDS
from webhook.model.finding import Verdict
from webhook.model.request import Request

_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE"})
_KINDS = frozenset({*WORKLOAD_KINDS, *SHARED_KINDS})
_NOT_JUDGED = {
    "not-judged": "deadline",
    "view-stale": "stale",
    "object-unread": "unanswered",
    "too-many-entries": "limit",
}
"""Reasons, by the warnings that tell of them."""
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class WatchStatus(Protocol):
    """How the watch of one kind is. seconds: since anything was heard of it."""

    @property
    def kind(self) -> str:
        """`destinationrules.networking.istio.io`."""

    @property
    def seconds(self) -> float:
        """Since the API server last said anything of it."""

    @property
    def restarts(self) -> int:
        """How often it was begun again after something went wrong."""

    @property
    def objects(self) -> int:
        """How many objects were seen."""


@dataclass(frozen=True, slots=True)
class LeaderStatus:
    """What a replica has done as the leader. leads: whether it does now.

    enforcing: by configuration, whether each entry that should be `Fail` is. restored: how often one was created again.
    probes: how many came to each outcome.
    """

    leads: bool = False
    enforcing: Mapping[str, bool] = field(default_factory=dict)
    restored: Mapping[str, int] = field(default_factory=dict)
    probes: Mapping[str, int] = field(default_factory=dict)


class Metrics:
    """Counts what the web answered, as its ReviewObserver, and shows what it is told to ask for."""

    def __init__(
        self,
        watches: Callable[[], Iterable[WatchStatus]] = tuple,
        serving_ends: Callable[[], datetime | None] = lambda: None,
        leading: Callable[[], LeaderStatus] = LeaderStatus,
    ) -> None:
        """watches: how the watches are now. serving_ends: until when the certificate that is served is valid.

        leading: what this replica has done as the leader.
        """
        disable_created_metrics()  # type: ignore[no-untyped-call]  # as many samples again, which nobody asks for
        self.registry = CollectorRegistry()
        self._duration = Histogram(
            "mtls_guard_admission_review_duration_seconds",
            "Time from the arrival of a review's first byte, or of the connection opened for it, to its answer",
            ["path", "verdict"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._requests = self._counter("requests", "Reviews that were answered", "operation", "kind", "verdict")
        self._refused = self._counter("refused", "Requests that were refused: no review, or not ready", "status")
        self._not_judged = self._counter("not_judged", "Reviews that could not be judged whole", "reason", "answer")
        self._errors = self._counter("errors", "Faults of mtls-guard while answering")
        self._findings = self._counter("findings", "Findings that were told", "rule", "severity")
        pods = "Pods that ask for injection: patched, unchanged, refused while they wait, or started without files"
        self._pods = Counter("mtls_guard_injection_pods", pods, ["outcome"], registry=self.registry)
        shaken = "Time from the arrival of a connection to the end of its handshake"
        self._handshakes = self._histogram("connection_handshake_seconds", shaken)
        self._waits = self._histogram("request_wait_seconds", "Time that a complete request waited for a thread")
        self._closed = self._counter("closed", "Connections that were closed", "reason", of="connection")
        self.connections: Callable[[], Mapping[str, int]] = dict
        self.waiting: Callable[[], int] = int
        self.registry.register(_WatchCollector(watches, serving_ends))
        self.registry.register(_LeaderCollector(leading))
        self.registry.register(_ConnectionCollector(self))

    def _counter(self, name: str, what: str, *labels: str, of: str = "admission") -> Counter:
        return Counter(f"mtls_guard_{of}_{name}", what, labels, registry=self.registry)

    def _histogram(self, name: str, what: str) -> Histogram:
        return Histogram(f"mtls_guard_{name}", what, buckets=_BUCKETS, registry=self.registry)

    def app(self) -> Any:
        """The WSGI application that answers with them."""
        return make_wsgi_app(self.registry)

    def handshook(self, seconds: float) -> None:
        """A handshake was completed."""
        self._handshakes.observe(seconds)

    def waited(self, seconds: float) -> None:
        """A complete request waited for a thread."""
        self._waits.observe(seconds)

    def closed(self, reason: str) -> None:
        """A connection was closed."""
        self._closed.labels(reason).inc()

    def answered(self, review: Request, verdict: Verdict, seconds: float) -> None:
        """A review was answered."""
        self._requests.labels(*_asked(review), verdict.word).inc()
        self._duration.labels("validate", verdict.word).observe(seconds)
        for found in verdict.findings:
            self._findings.labels(found.rule, str(found.severity)).inc()
        for reason in {_NOT_JUDGED[found.rule] for found in verdict.findings if found.rule in _NOT_JUDGED}:
            self._not_judged.labels(reason, "admitted").inc()

    def mutated(self, review: Request, mutation: Mutation, seconds: float) -> None:
        """A review was answered with a patch, or with none."""
        word = "deny" if mutation.refused else "patched" if mutation.operations else "unchanged"
        if review.ref.kind == "Pod" and mutation.outcome and not review.dry_run:
            self._pods.labels(mutation.outcome).inc()
        self._requests.labels(*_asked(review), word).inc()
        self._duration.labels("mutate", word).observe(seconds)
        if mutation.not_judged:
            self._not_judged.labels(mutation.not_judged, "admitted").inc()

    def unavailable(self, review: Request, reason: str) -> None:  # noqa: ARG002  # part of ReviewObserver
        """A review was not judged, and got no answer."""
        self._not_judged.labels(reason, "unavailable").inc()

    def refused(self, status: int, problem: str) -> None:  # noqa: ARG002  # part of ReviewObserver
        """A request was refused."""
        self._refused.labels(str(status)).inc()

    def failed(self, review: Request | None, error: Exception) -> None:  # noqa: ARG002  # part of ReviewObserver
        """Something of ours raised."""
        self._errors.inc()


def _asked(review: Request) -> tuple[str, str]:
    """Operation and kind as labels: few, whatever somebody posts to the port."""
    kind = review.ref.kind if review.ref.kind in _KINDS else "other"
    return (review.operation if review.operation in _OPERATIONS else "other", kind)


class _WatchCollector:
    """What is asked for when somebody reads the metrics."""

    def __init__(
        self, watches: Callable[[], Iterable[WatchStatus]], serving_ends: Callable[[], datetime | None]
    ) -> None:
        self._watches, self._serving_ends = watches, serving_ends

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        age = GaugeMetricFamily("mtls_guard_watch_age_seconds", "Seconds without news of a kind", labels=["kind"])
        restarts = CounterMetricFamily("mtls_guard_watch_restarts", "Watches begun again", labels=["kind"])
        objects = GaugeMetricFamily("mtls_guard_watch_objects", "Objects of a kind that were seen", labels=["kind"])
        for one in self._watches():
            age.add_metric([one.kind], one.seconds)
            restarts.add_metric([one.kind], one.restarts)
            objects.add_metric([one.kind], one.objects)
        yield from (age, restarts, objects)
        ends = self._serving_ends()
        name, what = "mtls_guard_serving_certificate_not_after_timestamp_seconds", "When the served certificate ends"
        yield GaugeMetricFamily(name, what, value=ends.timestamp()) if ends else GaugeMetricFamily(name, what)


class _LeaderCollector:
    """What the leader does; which configuration enforces is shown by no other replica."""

    def __init__(self, leading: Callable[[], LeaderStatus]) -> None:
        self._leading = leading

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        now, labels = self._leading(), ["configuration"]
        what = "1 while every entry that should be Fail is; of the leader only"
        enforcing = GaugeMetricFamily("mtls_guard_entries_enforcing", what, labels=labels)
        what = "Webhook configurations that others deleted, and that were created again"
        restored = CounterMetricFamily("mtls_guard_configuration_restored", what, labels=labels)
        probes = CounterMetricFamily("mtls_guard_probes", "Probes of the leader, by their outcome", labels=["outcome"])
        for configuration, enforces in now.enforcing.items():
            enforcing.add_metric([configuration], float(enforces))
        for configuration, times in now.restored.items():
            restored.add_metric([configuration], times)
        for outcome, times in now.probes.items():
            probes.add_metric([outcome], times)
        yield GaugeMetricFamily("mtls_guard_leader", "1 in the replica that leads, else 0", value=float(now.leads))
        yield from (enforcing, restored, probes)


class _ConnectionCollector:
    """How many connections and waiting requests there are when somebody reads the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        opened = GaugeMetricFamily("mtls_guard_connection_open", "Connections that are open", labels=["state"])
        for state, count in self._metrics.connections().items():
            opened.add_metric([state], count)
        yield opened
        what = "Complete reviews that wait for a thread"
        yield GaugeMetricFamily("mtls_guard_request_waiting", what, value=self._metrics.waiting())
