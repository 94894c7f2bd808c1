"""What is read from the bytes of a Secret is true, bounded and holds none of them; refusals follow from it."""

import base64
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from certs.encode import (
    cert_der,
    cert_pem,
    chain_pem,
    crl_pem,
    key_der,
    key_pem,
    negative_serial_pem,
    p12,
    relabel,
    wrap,
)
from certs.issue import SERVER, Dates, Profile, make_ca, make_crl, make_leaf
from tests.material_cases import AT, BOM, DATES, PAST, CaCase, PairCase, ca_cases, pair_cases, parties
from webhook.material import (
    agent_drops,
    can_sign,
    envoy_refuses_ca,
    envoy_refuses_crl,
    envoy_refuses_pair,
    expired,
    fits_clients,
    fits_servers,
    missing_intermediate,
    not_yet_valid,
    read_material,
    revocations,
    roots,
    sidecar_refuses_ca,
    sidecar_refuses_pair,
    trusted,
)
from webhook.model.material import Block, KeyFacts, Material


@pytest.mark.parametrize("case", pair_cases(), ids=lambda case: case.name)
def test_sidecar_loads_or_refuses_each_pair(case: PairCase) -> None:
    refusal = sidecar_refuses_pair(read_material(case.certificate), read_material(case.key))
    assert (refusal.code if refusal else "", refusal.certain if refusal else True) == (case.code, True)


@pytest.mark.parametrize("case", ca_cases(), ids=lambda case: case.name)
def test_sidecar_loads_or_refuses_each_ca_bundle(case: CaCase) -> None:
    refusal = sidecar_refuses_ca(read_material(case.ca))
    assert (refusal.code if refusal else "", refusal.certain if refusal else True) == (case.code, True)


def test_a_certificate_is_read_whole() -> None:
    """Every fact of a client certificate and of its key; both name the same public key."""
    leaf = parties().client
    material, ca = read_material(cert_pem(leaf)), read_material(cert_pem(parties().ca)).certificates[0]
    facts = material.certificates[0]
    assert facts == replace(
        facts,
        subject="CN=client,O=Example",
        issuer="CN=Example Root CA,O=Example",
        not_before=AT - timedelta(days=1),
        not_after=AT + timedelta(days=365),
        key_type="EC",
        key_bits=256,
        curve="P-256",
        issuer_id=ca.subject_id,
        issuer_key=ca.subject_key,
        is_ca=False,
        usages=("clientAuth",),
        key_usages=("digitalSignature",),
    )
    assert material.blocks == (Block("CERTIFICATE", facts),)
    assert read_material(key_pem(leaf)).blocks == (
        Block("PRIVATE KEY", key=KeyFacts("EC", 256, "P-256", facts.public_key, container="pkcs8")),
    )


def test_public_keys_agree_for_every_algorithm() -> None:
    """The identity does not depend on the wrapping."""
    for leaf in (parties().rsa, parties().client):
        files = [cert_pem(leaf), key_pem(leaf), key_pem(leaf, traditional=True)]
        facts = [read_material(one) for one in files]
        certificates = {one.public_key for each in facts for one in each.certificates}
        assert ({one.public_key for each in facts for one in each.keys}, len(certificates)) == (certificates, 1)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"hello\n", "text"),
        (bytes(range(256)), "binary"),
        (b"\xfe\xed\xfe\xed\x00\x00\x00\x02", "jks"),
        (b"-----BEGIN ", "text"),
        (b"x" * (3 * 1024 * 1024 + 1), "binary"),
    ],
)
def test_bytes_that_are_no_pem_are_named(content: bytes, form: str) -> None:
    assert read_material(content) == Material(form, len(content))


def test_the_encodings_of_a_certificate_are_told_apart() -> None:
    """DER, PKCS#12, base64 of PEM, with a byte order mark, and UTF-16."""
    leaf = parties().client
    pem = cert_pem(leaf)
    contents = [
        cert_der(leaf),
        key_der(leaf),
        p12(leaf),
        base64.b64encode(pem),
        BOM + pem,
        pem.decode().encode("utf-16"),
    ]
    forms = [read_material(one).form for one in contents]
    assert forms == ["der", "der", "pkcs12", "base64-of-pem", "bom", "utf-16"]


def test_problems_of_blocks_say_what_to_mend() -> None:
    """One damage each; the facts of what can be read in spite of it stay."""
    pem = cert_pem(parties().client)
    damaged = {
        "its BEGIN line does not start a line": b"cert: " + pem,
        "its END line is missing": pem.replace(b"-----END CERTIFICATE-----\n", b""),
        "its body is not base64": pem[:200] + b"!" + pem[201:],
        r"its line breaks are written as the two characters \n": pem.replace(b"\n", rb"\n"),
        "its line breaks are missing": pem.replace(b"\n", b" "),
        "it is no certificate that can be read": relabel(key_pem(parties().client), "CERTIFICATE"),
    }
    assert {key: read_material(content).blocks[0].problem for key, content in damaged.items()} == {
        key: key for key in damaged
    }


def test_unusual_certificates_are_facts_without_warning() -> None:
    """The library's remarks stay inside, also where warnings are errors."""
    leaf = make_leaf(
        None, Dates(AT, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)), Profile("x" * 60, "\x00\u2028", serial=1)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = read_material(negative_serial_pem(leaf)).certificates[0]
    assert (facts.not_after.year, facts.negative_serial, len(facts.subject) <= 200) == (9999, True, True)


def test_a_revocation_list_is_read() -> None:
    """Its issuer and both dates; a file without any has none."""
    crl = read_material(crl_pem(make_crl(parties().ca, DATES)))
    ca = read_material(cert_pem(parties().ca)).certificates[0]
    found = revocations(crl)
    assert [(one.issuer_id, one.this_update, one.next_update) for one in found] == [
        (ca.subject_id, DATES.start, DATES.end)
    ]
    assert revocations(read_material(cert_pem(parties().ca))) == ()


def test_envoy_reads_crls_and_certificates_anywhere() -> None:
    """Neither may be damaged in the other's file; what follows a list or a key in its block is left out."""
    ca, crl, key = cert_pem(parties().ca), crl_pem(make_crl(parties().ca, DATES)), key_der(parties().client)
    no_crl, no_ca = relabel(ca, "X509 CRL"), relabel(crl, "CERTIFICATE")
    refused = (envoy_refuses_ca(read_material(ca + no_crl)), envoy_refuses_crl(read_material(crl + no_ca)))
    assert [one and one.code for one in refused] == ["unreadable-crl", "unreadable-certificate"]
    followed = wrap("X509 CRL", base64.b64decode(b"".join(crl.split(b"\n")[1:-2])) + b"\0\0\0")
    assert envoy_refuses_crl(read_material(followed)) is None
    assert (
        envoy_refuses_pair(read_material(cert_pem(parties().client)), read_material(wrap("PRIVATE KEY", key + b"\0")))
        is None
    )


def test_dates_and_usages_are_judged_at_a_moment() -> None:
    """The border itself is still valid."""
    leaf = read_material(cert_pem(parties().client)).certificates[0]
    moments = [DATES.start - timedelta(seconds=1), DATES.start, DATES.end, DATES.end + timedelta(seconds=1)]
    assert [(not_yet_valid(leaf, at), expired(leaf, at)) for at in moments] == [
        (True, False),
        (False, False),
        (False, False),
        (False, True),
    ]
    server, free = (make_leaf(parties().ca, DATES, Profile(usages=one)) for one in ((SERVER,), None))
    facts = [read_material(cert_pem(one)).certificates[0] for one in (parties().client, server, free)]
    assert [(fits_clients(one), fits_servers(one)) for one in facts] == [(True, False), (False, True), (True, True)]


def test_bundle_distinguishes_roots_and_dropped_certificates() -> None:
    """A root, an intermediate, a leaf, an expired root, and one cut short."""
    every = parties()
    cut = cert_pem(every.ca)[:283] + b"\n-----END CERTIFICATE-----\n"
    bundle = read_material(cert_pem(every.ca, every.intermediate, every.client, make_ca(PAST)) + cut)
    facts = trusted(bundle)
    assert [(one in roots(bundle), can_sign(one), expired(one, AT)) for one in facts] == [
        (True, True, False),
        (False, True, False),
        (False, False, False),
        (True, True, True),
    ]
    assert agent_drops(bundle) == (4,)


def test_missing_intermediate_needs_evidence_in_the_bundle() -> None:
    """A bundle that knows nothing of the client's issuer proves nothing."""
    every = parties()
    alone, chain = read_material(cert_pem(every.below)), read_material(chain_pem(every.below))
    both, root = read_material(cert_pem(every.ca, every.intermediate)), read_material(cert_pem(every.ca))
    intermediate = read_material(cert_pem(every.intermediate)).certificates[0]
    direct = read_material(cert_pem(every.client))
    cases = [(alone, both), (chain, both), (alone, root), (direct, both), (Material("empty"), both)]
    assert [missing_intermediate(*case) for case in cases] == [intermediate, None, None, None, None]
