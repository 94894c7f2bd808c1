"""Metrics as Prometheus reads them: what was answered, how the watches are, when the certificate ends."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from certs.encode import cert_pem
from certs.issue import Dates, make_ca
from webhook.inject import Mutation
from webhook.metrics import Metrics
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.request import Request
from webhook.serving.certificate_expiry import end_of

REF = ObjectRef("apps/v1", "Deployment", "devel", "app")
REVIEW = Request("uid", "CREATE", REF)
DENIED = Verdict(REF, (Finding("secret-missing", Severity.DENY, REF, "", "problem", "fix"),))


@dataclass
class Watch:
    kind: str = "pods"
    seconds: float = 1.5
    restarts: int = 2
    objects: int = 7


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and the values of its labels, by the names of these."""
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    every = (one for family in families for one in family.samples)
    return {(one.name, tuple(one.labels[name] for name in sorted(one.labels))): one.value for one in every}


def test_reviews_and_findings_are_counted() -> None:
    metrics = Metrics()
    metrics.answered(REVIEW, DENIED, 0.004)
    metrics.mutated(REVIEW, Mutation(), 0.001)
    metrics.refused(503, "not ready")
    metrics.failed(None, ValueError())
    found = samples(metrics)
    assert found["mtls_guard_admission_requests_total", ("Deployment", "CREATE", "deny")] == 1
    assert found["mtls_guard_admission_requests_total", ("Deployment", "CREATE", "unchanged")] == 1
    assert found["mtls_guard_admission_findings_total", ("secret-missing", "deny")] == 1
    assert found["mtls_guard_admission_refused_total", ("503",)] == 1
    assert found["mtls_guard_admission_errors_total", ()] == 1
    assert found["mtls_guard_admission_review_duration_seconds_bucket", ("0.005", "validate", "deny")] == 1


def test_posted_values_create_no_series() -> None:
    metrics = Metrics()
    for number in range(50):
        odd = Request("uid", f"OP{number}", ObjectRef("x/v1", f"Kind{number}", "", "x"))
        metrics.answered(odd, Verdict(odd.ref), 0.001)
    assert samples(metrics)["mtls_guard_admission_requests_total", ("other", "other", "allow")] == 50


def test_how_the_watches_are_is_asked_when_somebody_reads() -> None:
    watches = [Watch()]
    metrics = Metrics(lambda: watches)
    assert samples(metrics)["mtls_guard_watch_age_seconds", ("pods",)] == 1.5
    watches[0].seconds = 90
    found = samples(metrics)
    assert found["mtls_guard_watch_age_seconds", ("pods",)] == 90
    assert found["mtls_guard_watch_restarts_total", ("pods",)] == 2
    assert found["mtls_guard_watch_objects", ("pods",)] == 7


def test_expiry_of_served_certificate_is_exported(tmp_path: Path) -> None:
    dates = Dates.around(datetime(2026, 11, 24, tzinfo=UTC), days=30)
    file = tmp_path / "tls.crt"
    metrics = Metrics(serving_ends=lambda: end_of(file))
    name = ("mtls_guard_serving_certificate_not_after_timestamp_seconds", ())
    assert name not in samples(metrics)
    made = make_ca(dates)
    file.write_bytes(cert_pem(made))
    assert samples(metrics)[name] == made.certificate.not_valid_after_utc.timestamp()


def test_connections_and_waits_are_observed() -> None:
    metrics = Metrics()
    metrics.connections, metrics.waiting = lambda: {"handshake": 2, "kept": 7}, lambda: 3
    metrics.closed("handshake deadline")
    metrics.waited(0.004)
    metrics.handshook(0.004)
    found = samples(metrics)
    assert found["mtls_guard_connection_open", ("handshake",)] == 2
    assert found["mtls_guard_connection_open", ("kept",)] == 7
    assert found["mtls_guard_request_waiting", ()] == 3
    assert found["mtls_guard_connection_closed_total", ("handshake deadline",)] == 1
    assert found["mtls_guard_request_wait_seconds_bucket", ("0.005",)] == 1
    assert found["mtls_guard_connection_handshake_seconds_bucket", ("0.005",)] == 1


def test_reviews_that_were_not_judged_are_counted_by_reason() -> None:
    metrics = Metrics()
    for rule in ("not-judged", "view-stale", "object-unread", "object-unread", "too-many-entries"):
        metrics.answered(REVIEW, Verdict(REF, (Finding(rule, Severity.WARN, REF, "", "problem", "fix"),)), 0)
    metrics.mutated(REVIEW, Mutation(not_judged="unanswered"), 0)
    metrics.unavailable(REVIEW, "stale")
    name = "mtls_guard_admission_not_judged_total"
    assert {labels: count for (sample, labels), count in samples(metrics).items() if sample == name} == {
        ("admitted", "deadline"): 1,
        ("admitted", "limit"): 1,
        ("admitted", "stale"): 1,
        ("admitted", "unanswered"): 3,
        ("unavailable", "stale"): 1,
    }
