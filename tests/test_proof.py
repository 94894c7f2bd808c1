"""How the proof reads what it sees, and that its committed page speaks of every rule that denies."""

import socket
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import Certificate, load_pem_x509_certificate

from prove.aside import CONDITION, excused
from prove.asking import PASSED, WARNED, Answer, answer
from prove.cases import Case, cases
from prove.injected import rewritten
from prove.names import address_of, reply
from prove.outcome import Kind, Outcome, of_refusal, of_request
from prove.play import lost_volumes
from prove.record import Record, exceptions
from webhook.examples import AT
from webhook.model.finding import Severity
from webhook.rules import catalogue

PAGE = Path(__file__).resolve().parent.parent / "docs" / "proof.md"
EXPLANATIONS = set(exceptions()["outcome"].values())
DENYING = [rule.id for rule in catalogue().values() if rule.severity is Severity.DENY]
CLIENT = "O=Example,CN=client"
FUTURE, FIVE_DAYS = "certificate-not-yet-valid", timedelta(days=5)
PARTS = ("outcome", "answer", "injected")
AGREED = Record("rule", "title", denied=True, said="rejected by us", as_told=True, kind="PLAIN", text="")


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


def test_what_we_said_is_read_from_what_kubectl_prints() -> None:
    refused = 'Error from server: admission webhook "workloads.mtls-guard.io" denied the request: no [data-key-missing]'
    assert answer(refused, refused=True) == Answer("rejected by us", frozenset({"data-key-missing"}))
    assert answer("Warning: spec[0]: no [data-key-missing]", refused=False) == Answer(
        WARNED, frozenset({"data-key-missing"})
    )
    assert answer("deployment.apps/sample-app created [0]", refused=False) == Answer(PASSED)
    assert answer("Error from server (Invalid): no", refused=True) == Answer("rejected by the API server")


def test_who_is_not_asked_meets_no_entry_that_judges() -> None:
    """An entry without rules is off, and stays as it is."""
    entries = [{"name": "a", "rules": [{}], "matchConditions": [{"name": "x"}]}, {"name": "b"}]
    assert excused({"webhooks": entries})["webhooks"] == [
        {"name": "a", "rules": [{}], "matchConditions": [{"name": "x"}, CONDITION]},
        {"name": "b"},
    ]


def deployment(annotations: dict[str, str], **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [], **spec}}
    return {"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": template}}


BY_HAND = {
    "sidecar.istio.io/userVolume": '[{"name":"c","secret":{"secretName":"s"}}]',
    "sidecar.istio.io/userVolumeMount": '[{"name":"c","mountPath":"/etc/mtlsfiles"}]',
}
BY_US = {"mtls-guard.io/client-secret": "s"}


def test_injected_version_names_manually_mounted_secrets() -> None:
    assert rewritten(deployment({**BY_HAND, "a": "b"}), good=False) == deployment({**BY_US, "a": "b"})
    volume = {"name": "c", "secret": {"secretName": "s"}}
    mounted = {"sidecar.istio.io/userVolumeMount": BY_HAND["sidecar.istio.io/userVolumeMount"]}
    assert rewritten(deployment(mounted, volumes=[volume]), good=True) == deployment(BY_US, volumes=[volume])


def test_bad_manual_annotations_have_no_injected_version() -> None:
    elsewhere = {**BY_HAND, "sidecar.istio.io/userVolumeMount": '[{"name":"c","mountPath":"/elsewhere"}]'}
    broken = {**BY_HAND, "sidecar.istio.io/userVolume": '[{"name":"c","secret":{"secretName":"s"}},]'}
    assert [rewritten(deployment(one), good=False) for one in (elsewhere, broken, {})] == [None, None, None]


def test_application_volume_is_lost_beside_a_different_one() -> None:
    volume = {"name": "c", "secret": {"secretName": "own"}}
    mounting = [{"name": "app", "volumeMounts": [{"name": "c", "mountPath": "/c"}]}]
    made = {"spec": {"volumes": [{"name": "c", "secret": {"secretName": "s", "defaultMode": 420}}]}}
    kept = {"spec": {"volumes": [{"name": "c", "secret": {"secretName": "own", "defaultMode": 420}}]}}
    mounts = deployment({}, volumes=[volume], containers=mounting)
    assert [*lost_volumes(mounts, made)] == ["c"]
    assert [*lost_volumes(mounts, kept)] == []
    assert [*lost_volumes(deployment({}, volumes=[volume]), made)] == []


@pytest.mark.parametrize("rule", DENYING)
def test_every_example_can_be_played(rule: str) -> None:
    """It has a workload and a URL."""
    assert all(case.workloads and case.url.startswith("http://") and case.hosts for case in cases(rule))


def seen(kind: str, *, denied: bool, **parts: Any) -> Record:
    return Record(**{**asdict(AGREED), "kind": kind, "denied": denied, **parts})


def test_certificates_are_made_around_the_moment_of_the_run() -> None:
    """What is not valid yet is so in ten years, too, and the others are valid then."""
    at = AT + timedelta(days=3653)
    starts = {case.title: read_certificate(case).not_valid_before_utc - at for case in cases(FUTURE, at)}
    assert starts == {
        "the certificate is valid": -timedelta(days=1),
        "the certificate is valid in five days": FIVE_DAYS,
    }


def read_certificate(case: Case) -> Certificate:
    secret = next(one for one in (*case.before, case.subject) if one["kind"] == "Secret")
    return load_pem_x509_certificate(secret["stringData"]["cert"].encode())


def test_reality_agrees_where_what_we_deny_does_not_work() -> None:
    assert seen("PLAIN", denied=True).otherwise == set()
    assert seen("WORKS", denied=False).otherwise == set()
    assert seen("WORKS", denied=True).unexplained == {"outcome"}
    assert seen("NOBODY_VERIFIED", denied=False).unexplained == {"outcome"}
    assert seen("BROKEN", denied=True).unexplained == {"outcome"}


def test_our_answer_and_the_injected_version_count_as_well() -> None:
    assert seen("PLAIN", denied=True, as_told=False, alike=False).unexplained == {"answer", "injected"}


def test_the_page_says_of_every_rule_what_happened() -> None:
    """Confirmed by traffic, or by name what stands in the way; a rule newer than the page waits for the next run."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| [")]
    verdicts = [line.split("|")[2].strip() for line in lines]
    assert len(verdicts) >= 75
    assert [one for one in verdicts if not one.startswith("confirmed by traffic") and one not in EXPLANATIONS] == []


def test_the_page_names_no_place_of_the_machine_that_wrote_it() -> None:
    text = PAGE.read_text()
    signs = [*(f"/{folder}/" for folder in ("root", "home", "tmp")), 'File "']
    assert [sign for sign in signs if sign in text] == []


def test_nothing_on_the_page_is_unexplained() -> None:
    assert "(unexplained)" not in PAGE.read_text()


def test_exceptions_are_of_examples_that_are_there() -> None:
    there = {(rule, case.title) for rule in DENYING for case in cases(rule)}
    assert {part: set(held) - there for part, held in exceptions().items()} == {part: set() for part in PARTS}
