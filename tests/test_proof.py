"""How the proof reads what it sees, and that its committed page speaks of every rule that denies."""

import socket
from pathlib import Path
from typing import Any

import pytest

from prove.cases import cases
from prove.names import address_of, reply
from prove.outcome import Kind, Outcome, of_refusal, of_request
from prove.record import Record, exceptions
from webhook.model.finding import Severity
from webhook.rules import catalogue

PAGE = Path(__file__).resolve().parent.parent / "docs" / "proof.md"
EXPLANATIONS = set(exceptions().values())
DENYING = [rule.id for rule in catalogue().values() if rule.severity is Severity.DENY]
CLIENT = "O=Example,CN=client"


def note(kind: str, *, port: int = 443, sni: str = "", subject: str = "", why: str = "") -> dict[str, Any]:
    return {"kind": kind, "port": port, "sni": sni, "subject": subject, "why": why}


@pytest.mark.parametrize(
    ("status", "seen", "kind"),
    [
        (200, [note("mtls", subject=CLIENT)], Kind.WORKS),
        (200, [note("mtls", subject="spiffe://cluster.local/ns/devel/sa/default")], Kind.OTHER_CERTIFICATE),
        (200, [note("mtls", subject="O=Example,CN=another")], Kind.OTHER_CERTIFICATE),
        (400, [note("plain")], Kind.PLAIN),
        (503, [note("tls", why="PEER_DID_NOT_RETURN_A_CERTIFICATE")], Kind.NO_CERTIFICATE),
        (503, [note("tls", why="TLSV1_ALERT_UNKNOWN_CA")], Kind.FAILS),
        (503, [], Kind.FAILS),
        (200, [], Kind.FAILS),
    ],
)
def test_what_the_partner_saw_decides(status: int, seen: list[dict[str, Any]], kind: Kind) -> None:
    """An answer 200 that the partner knows nothing of is not taken for mTLS."""
    assert of_request({"status": status, "body": "", "notes": seen}, frozenset({CLIENT})).kind is kind


def test_envoys_reason_is_kept() -> None:
    body = (
        "upstream connect error. reset reason: remote connection failure, transport failure reason: TLS_error:|EXPIRED"
    )
    found = of_request({"status": 503, "body": body, "notes": [note("tls", why="EXPIRED")]}, None)
    assert str(found) == "fails: 503 TLS_error:|EXPIRED; the partner says EXPIRED"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("workloads.mtls-guard.io", Kind.REJECTED_BY_US),
        ("rev.namespace.sidecar-injector.istio.io", Kind.REJECTED_BY_INJECTOR),
        ("rev.validation.istio.io", Kind.REJECTED_BY_ISTIO),
    ],
)
def test_who_rejects_is_told_by_the_entry_that_answered(name: str, kind: Kind) -> None:
    said = f'Error from server: admission webhook "{name}" denied the request: no'
    assert of_refusal(said) == Outcome(kind, "no")
    assert of_refusal("Error from server (Invalid): no").kind is Kind.REJECTED_BY_KUBERNETES


def test_every_name_has_an_address_and_no_other_record() -> None:
    """So that programs that ask for IPv6 first go on to ask for IPv4."""
    asked = bytes.fromhex("abcd01000001000000000000") + b"\x07partner\x07example\x00" + bytes.fromhex("00010001")
    assert reply(asked, {"partner.example": "10.96.0.9"})[-4:] == socket.inet_aton("10.96.0.9")
    assert reply(asked, {})[-4:] == socket.inet_aton(address_of("partner.example", {}))
    other = asked[:-4] + bytes.fromhex("001c0001")
    assert reply(other, {})[6:8] == b"\x00\x00"


@pytest.mark.parametrize("rule", DENYING)
def test_every_example_can_be_played(rule: str) -> None:
    """It has a workload and a URL."""
    assert all(case.workloads and case.url.startswith("http://") and case.hosts for case in cases(rule))


def test_reality_agrees_where_what_we_deny_does_not_work() -> None:
    assert Record("rule", "title", True, "PLAIN", "").agrees
    assert Record("rule", "title", False, "WORKS", "").agrees
    assert Record("rule", "title", True, "WORKS", "").unexplained
    assert Record("rule", "title", True, "BROKEN", "").unexplained


def test_the_page_says_of_every_rule_what_happened() -> None:
    """Confirmed by traffic, or by name what stands in the way; a rule newer than the page waits for the next run."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| [")]
    verdicts = [line.split("|")[2].strip() for line in lines]
    assert len(verdicts) >= 75
    assert [one for one in verdicts if not one.startswith("confirmed by traffic") and one not in EXPLANATIONS] == []


def test_the_page_names_no_place_of_the_machine_that_wrote_it() -> None:
    text = PAGE.read_text()
    assert [sign for sign in ("/root/", "/home/", "/tmp/", 'File "') if sign in text] == []


def test_nothing_on_the_page_is_unexplained() -> None:
    assert "(unexplained)" not in PAGE.read_text()


def test_exceptions_are_of_examples_that_are_there() -> None:
    there = {(rule, case.title) for rule in DENYING for case in cases(rule)}
    assert set(exceptions()) - there == set()
