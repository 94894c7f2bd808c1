"""What a producer reports of itself in its status: that it fails, and why; or that it has done its work."""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.model.printable import cut
from webhook.model.raw_object import mapping, sequence, text

SHOWN = 160
_GOOD = ("Ready", "Synced", "SecretSynced", "Healthy", "Available")
"""Types of conditions that are True when the work is done."""
_BAD = ("NotReady", "Failed", "Stalled", "Degraded")
_ON_THE_WAY = ("Creating", "Pending", "Progressing", "Reconciling", "InProgress", "Issuing", "Initializing")
_ISSUES = (
    "Issuing certificate as",
    "Renewing certificate as",
    "Certificate expired on",
    "Existing issued Secret",
    "Fields on existing CertificateRequest",
    "Certificate re-issuance manually triggered",
)
"""How cert-manager's reasons to issue a certificate begin; it says so while all is well, too."""


def reported(kind: str, status: Mapping[str, Any]) -> tuple[str, bool]:
    """What keeps the object from its work, in its own words ('' for nothing), and whether it says that it is done."""
    conditions = [mapping(condition) for condition in sequence(status.get("conditions"))]
    if kind == "VaultPKISecret" and status.get("valid") is False and text(status.get("error")):
        return cut(text(status.get("error")), SHOWN), False
    problems = [*(_of_certificate if kind == "Certificate" else _of_any)(conditions)]
    done = any(text(condition.get("type")) in _GOOD and condition.get("status") == "True" for condition in conditions)
    return (cut(problems[-1], SHOWN), False) if problems else ("", done)


def _of_any(conditions: list[Mapping[str, Any]]) -> Iterator[str]:
    for condition in conditions:
        name, state = text(condition.get("type")), condition.get("status")
        failed = (name in _GOOD and state == "False") or (name in _BAD and state == "True")
        if failed and text(condition.get("reason")) not in _ON_THE_WAY:
            yield _words(condition)


def _of_certificate(conditions: list[Mapping[str, Any]]) -> Iterator[str]:
    """`Ready` is False until the first certificate is there, which is no failure by itself."""
    for condition in conditions:
        name, state = text(condition.get("type")), condition.get("status")
        failed = name == "Issuing" and state == "False" and text(condition.get("reason")) == "Failed"
        waits = (name == "Ready" and state == "False") or (name == "Issuing" and state == "True")
        if failed or (waits and not text(condition.get("message")).startswith(_ISSUES)):
            yield _words(condition)


def _words(condition: Mapping[str, Any]) -> str:
    """Reason and message, as `SecretSyncedError: could not get secret data from provider`."""
    words = ": ".join(word for word in (text(condition.get("reason")), text(condition.get("message"))) if word)
    return words or f"{text(condition.get('type'))} is {text(condition.get('status'))}"
