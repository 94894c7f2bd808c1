"""What a server answers to the leader's probe, and what the leader takes for its own answer."""

import base64
import json
from typing import Any

import pytest

from webhook.admission import answer, read_review, respond_mutation
from webhook.inject import Mutation
from webhook.leader.probe_challenge import MARK, QUESTION, ProbeChallenge, probe_rule
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.request import Request
from webhook.server.probe_response import ProbeFilter, ProbeResponder, probe_in
from webhook.settings import ObjectName

CHALLENGE = ProbeChallenge("mtls-guard/mtls-guard", "5f1d")
OURS = ObjectName("mtls-guard", "mtls-guard")


def review(manifest: dict[str, Any], *, dry_run: bool = True, operation: str = "CREATE") -> Request:
    """The request for an object as the API server sends it."""
    metadata = manifest["metadata"]
    asked = {
        "uid": "1",
        "operation": operation,
        "dryRun": dry_run,
        "kind": {"group": "networking.istio.io", "version": "v1", "kind": manifest["kind"]},
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "object": manifest,
    }
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked}
    return read_review(json.dumps(body).encode())


def judged(request: Request) -> Verdict:
    """A judge that denies everything."""
    return Verdict(request.ref, (Finding("any", Severity.DENY, request.ref, "", "judged", "nothing"),))


def probed(installation: ObjectName | None = OURS) -> ProbeResponder:
    return ProbeResponder(installation, judged, lambda _: Mutation(({"op": "test", "path": "", "value": ""},)))


def test_probe_is_denied_with_the_secret_answer() -> None:
    rule = probe_rule("mtls-guard", CHALLENGE)
    verdict = probed().judge(review(rule))
    message = answer(verdict, "1")["response"]["status"]["message"]
    assert CHALLENGE.answer in message
    assert CHALLENGE.mark not in message
    assert not any(digest in json.dumps(rule) for digest in (CHALLENGE.answer, CHALLENGE.mark))


def test_denial_repeats_the_mark_of_the_mutating_webhook() -> None:
    rule = probe_rule("mtls-guard", CHALLENGE)
    _, reply = respond_mutation(review(rule), probed().mutate, lambda _: None)
    (operation,) = json.loads(base64.b64decode(reply["response"]["patch"]))
    assert operation == {
        "op": "add",
        "path": "/metadata/annotations/mtls-guard.io~1probe-mutated",
        "value": CHALLENGE.mark,
    }
    rule["metadata"]["annotations"][MARK] = operation["value"]
    (finding,) = probed().judge(review(rule)).findings
    assert finding.problem == f"{CHALLENGE.answer} {CHALLENGE.mark}"
    rule["metadata"]["annotations"][MARK] = "forged"
    (finding,) = probed().judge(review(rule)).findings
    assert finding.problem == CHALLENGE.answer


@pytest.mark.parametrize("installation", [ObjectName("other", "mtls-guard"), None])
def test_a_probe_of_another_installation_passes(installation: ObjectName | None) -> None:
    request = review(probe_rule("mtls-guard", CHALLENGE))
    assert probed(installation).judge(request) == Verdict(request.ref)
    assert probed(installation).mutate(request) == Mutation()


@pytest.mark.parametrize("change", ["no dry run", "an update", "another name", "no question", "another kind"])
def test_everything_else_is_judged(change: str) -> None:
    """So no object can be stored for carrying the question."""
    rule = probe_rule("mtls-guard", CHALLENGE)
    if change == "another name":
        rule["metadata"]["name"] = "app"
    if change == "no question":
        del rule["metadata"]["annotations"][QUESTION]
    if change == "another kind":
        rule["kind"] = "Deployment"
    operation = "UPDATE" if change == "an update" else "CREATE"
    request = review(rule, dry_run=change != "no dry run", operation=operation)
    assert probe_in(request) is None
    assert [finding.problem for finding in probed().judge(request).findings] == ["judged"]
    assert probed().mutate(request).operations


def test_answers_of_two_installations_and_of_two_probes_differ() -> None:
    every = [ProbeChallenge(identity, nonce) for identity in ("a/b", "a/c") for nonce in ("1", "2")]
    assert len({digest for each in every for digest in (each.answer, each.mark)}) == 8


class Noted:
    """A journal that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[ObjectRef] = []

    def answered(self, review: Request, verdict: Verdict, seconds: float) -> None:  # noqa: ARG002
        self.told.append(review.ref)

    def mutated(self, review: Request, mutation: Mutation, seconds: float) -> None:  # noqa: ARG002
        self.told.append(review.ref)

    def unavailable(self, review: Request, reason: str) -> None:  # noqa: ARG002
        raise AssertionError

    def refused(self, status: int, problem: str) -> None:  # noqa: ARG002
        raise AssertionError

    def failed(self, review: Request | None, error: Exception) -> None:  # noqa: ARG002
        raise AssertionError


def test_probes_are_neither_logged_nor_counted() -> None:
    noted = Noted()
    journal = ProbeFilter(noted)
    probe, other = review(probe_rule("a", CHALLENGE)), review(probe_rule("a", CHALLENGE), dry_run=False)
    for request in (probe, other):
        journal.answered(request, Verdict(request.ref), 0)
        journal.mutated(request, Mutation(), 0)
    assert noted.told == [other.ref, other.ref]
