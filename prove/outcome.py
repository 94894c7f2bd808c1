"""What became of a request, in the words of the proof; and how it is read from what the parts themselves say."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NO_CERTIFICATE = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
MESH_IDENTITY = "spiffe://"
REASONS = ("transport failure reason: ", "reset reason: ")


class Kind(StrEnum):
    """The ends that a workload and its request can come to."""

    REJECTED_BY_US = "rejected by us"
    REJECTED_BY_KUBERNETES = "rejected by the API server"
    REJECTED_BY_ISTIO = "rejected by Istio's validation"
    REJECTED_BY_INJECTOR = "rejected by the injector"
    NOT_STARTED = "the Pod does not start"
    WORKS = "works over mTLS"
    OTHER_CERTIFICATE = "works with another certificate than the rule names"
    NO_CERTIFICATE = "leaves without client certificate"
    PLAIN = "leaves as plain text"
    NOBODY_VERIFIED = "works, and would with anybody in the partner's place"
    VOLUME_LOST = "works, but the application has another volume than its own"
    IDENTITY_LOST = "works, but the sidecar has lost its identity in the mesh"
    FAILS = "fails"
    BROKEN = "could not be played"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request. detail: the subject that the partner saw, or the reason in a part's own words."""

    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        """As the page says it."""
        joint = " as " if self.kind in {Kind.WORKS, Kind.OTHER_CERTIFICATE} else ": "
        return f"{self.kind}{joint}{self.detail}" if self.detail else str(self.kind)


def of_request(answer: Mapping[str, Any], expected: frozenset[str] | None) -> Outcome:
    """What one request came to. expected: the subjects of the certificates that rules name; None: any.

    answer: `{"status": 503, "body": ..., "notes": [...]}`, as `prove.inside` gives it.
    """
    notes = answer["notes"]
    for note in notes:
        if note["kind"] == "plain":
            return Outcome(Kind.PLAIN, f"to port {note['port']}, answered {answer['status']}")
        if note["kind"] == "mtls" and not _is_named(note["subject"], expected):
            return Outcome(Kind.OTHER_CERTIFICATE, note["subject"])
        if NO_CERTIFICATE in note["why"]:
            return Outcome(Kind.NO_CERTIFICATE, f"to port {note['port']}, refused by the partner")
    if answer["status"] == 200 and notes:
        return Outcome(Kind.WORKS, notes[-1]["subject"])
    return Outcome(Kind.FAILS, _reason(answer))


def _is_named(subject: str, expected: frozenset[str] | None) -> bool:
    """Whether the subject is one that a rule names; without names, any but an identity of the mesh."""
    return not subject.startswith(MESH_IDENTITY) if expected is None else subject in expected


def of_refusal(text: str) -> Outcome:
    """Who rejected an object, from what kubectl printed."""
    words = " ".join(text.split())
    for sign, kind in (
        ("mtls-guard", Kind.REJECTED_BY_US),
        ("sidecar-injector.istio.io", Kind.REJECTED_BY_INJECTOR),
        ("validation.istio.io", Kind.REJECTED_BY_ISTIO),
    ):
        if sign in words and "admission webhook" in words:
            return Outcome(kind, words.partition("denied the request: ")[2] or words)
    return Outcome(Kind.REJECTED_BY_KUBERNETES, words)


def _reason(answer: Mapping[str, Any]) -> str:
    """Envoy's reason, and the partner's where it has one."""
    body = " ".join(str(answer["body"]).split())
    reason = next((body.partition(sign)[2] for sign in REASONS if sign in body), body)
    theirs = [f"the partner says {note['why']}" for note in answer["notes"] if note["why"]]
    agent = [f"the agent says {answer['agent']}"] if answer.get("agent") else []
    return "; ".join([f"{answer['status']} {reason}".strip(), *theirs[:1], *agent])
