"""Every metric, as Prometheus would be told it after one review of each sort."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client.core import Metric

from webhook.inject import Mutation
from webhook.metrics import LeaderStatus, Metrics
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.request import Request

LABELS = {
    "answer": "`admitted` with a warning, or `unavailable`: HTTP 503",
    "path": "`validate` or `mutate`",
    "operation": "CREATE, UPDATE, DELETE or other",
    "status": "the HTTP status",
    "rule": "the [rule](rules/README.md)",
    "severity": "`warn` or `deny`",
    "configuration": "the name of the webhook configuration",
    "state": "`handshake`; `idle`: never carried a request; `kept`: carried one; `reading`, `answering`: carries one; "
    "`closing`",
}
BY_FAMILY = {
    ("admission", "reason"): "`deadline`, `stale`: the view, `unanswered` by the API server, `limit` of entries",
    (
        "connection",
        "reason",
    ): "`client`: its client closed it; `idle`, `retired`: as usual; `handshake deadline`, `header deadline`, "
    "`body deadline`, `request deadline`, `answer deadline`; `handshake failed`; `connection limit`, `peer limit`, "
    "`body memory`; `refused`; `abandoned`: its client had gone before the answer",
    ("admission", "kind"): "the object's kind, or other",
    ("admission", "verdict"): "`allow`, `warn`, `deny`; of `/mutate`: `patched`, `unchanged`, `deny`",
    (
        "injection",
        "outcome",
    ): "`patched`, `unchanged`, `waiting`: refused, once per try, `without`: starts without files",
    ("probes", "outcome"): "`proved`, `refuted` (the API server does not reach mtls-guard), `unknown`",
    ("watch", "kind"): "resource and group, as `destinationrules.networking.istio.io`",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """How one watch is."""

    kind: str = "destinationrules.networking.istio.io"
    seconds: float = 0
    restarts: int = 0
    objects: int = 0


def families() -> list[Metric]:
    """Every metric with at least one sample of each."""
    leading = LeaderStatus(enforcing={"": True}, restored={"": 1}, probes={"": 1})
    metrics = Metrics(lambda: [Sample()], lambda: datetime.now(UTC), lambda: leading)
    ref = ObjectRef("apps/v1", "Deployment", "devel", "sample-app")
    review = Request("uid", "CREATE", ref)
    metrics.answered(review, Verdict(ref, (Finding("file-not-mounted", Severity.DENY, ref, "", "", ""),)), 0)
    metrics.mutated(review, Mutation(()), 0)
    metrics.refused(400, "")
    metrics.closed("client")
    metrics.connections = lambda: {"idle": 1}
    metrics.unavailable(review, "deadline")
    metrics.failed(review, ValueError())
    return sorted(metrics.registry.collect(), key=lambda family: family.name)


def pages() -> Iterator[tuple[str, str]]:
    """`metrics.md`."""
    yield "metrics.md", "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from (
        "# Metrics",
        "",
        "`mtls-guard serve --metrics HOST:PORT` serves them to Prometheus on `/metrics`, over plain HTTP.",
        "None names an object.",
    )
    for family in families():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield from ("", f"## {name}", "", f"{family.documentation}. A {family.type}.")
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
        if labels:
            yield from ("", "| label | |", "|---|---|")
            yield from (f"| `{label}` | {_meaning(family.name, label)} |" for label in labels)


def _meaning(family: str, label: str) -> str:
    part = family.removeprefix("mtls_guard_").partition("_")[0]
    found = LABELS.get(label) or BY_FAMILY.get((part, label))
    if found is None:
        raise LookupError(f"label {label} of {family}: say in {__name__} what it means")
    return found
