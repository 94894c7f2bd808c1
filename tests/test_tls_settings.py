"""Each row of Istio's mode table, and which tls block is in force for a port and subset."""

import pytest

from tests.istio_objects import FILES, entry, mutual, policy, rule, subset
from webhook.istio.pilot.client_tls import Kind, Outcome, metadata_files, originations, outcome, tls_of
from webhook.istio.pilot.destination_rule_merge import merge
from webhook.model.mesh import FileSet, Mesh, ServicePort, TlsSettings

CA = FileSet("", "", FILES.ca_certificates)
ALL = FileSet("/c", "/k", "/ca", "/crl")


def block(mode: str, files: FileSet = FILES, **more: object) -> TlsSettings:
    return TlsSettings(mode, "tls", files, **more)  # type: ignore[arg-type]


ROWS = {
    "no tls block": (None, False, Outcome(Kind.NONE)),
    "mode DISABLE ignores paths": (block("DISABLE"), False, Outcome(Kind.PLAINTEXT, reason="mode")),
    "mode omitted is DISABLE": (block(""), False, Outcome(Kind.PLAINTEXT, reason="mode")),
    "ISTIO_MUTUAL ignores paths": (block("ISTIO_MUTUAL"), False, Outcome(Kind.ISTIO_MUTUAL, ca="mesh", reason="mode")),
    "SIMPLE sends no client certificate": (block("SIMPLE"), False, Outcome(Kind.ONE_WAY, CA, "file", "mode")),
    "SIMPLE reads CA and CRL": (
        block("SIMPLE", ALL),
        False,
        Outcome(Kind.ONE_WAY, FileSet("", "", "/ca", "/crl"), "file", "mode"),
    ),
    "MUTUAL reads everything": (block("MUTUAL", ALL), False, Outcome(Kind.MUTUAL, ALL, "file", "mode")),
    "MUTUAL without a key is plain text": (
        block("MUTUAL", FileSet("/c", "", "/ca")),
        False,
        Outcome(Kind.PLAINTEXT, reason="privateKey"),
    ),
    "MUTUAL without a certificate is plain text": (
        block("MUTUAL", FileSet("", "/k", "/ca")),
        False,
        Outcome(Kind.PLAINTEXT, reason="clientCertificate"),
    ),
    "credentialName without selector is plain text": (
        block("MUTUAL", FileSet(), credential_name="c"),
        False,
        Outcome(Kind.PLAINTEXT, reason="credentialName"),
    ),
    "credentialName with selector comes from istiod": (
        block("MUTUAL", FileSet(), credential_name="c"),
        True,
        Outcome(Kind.CREDENTIAL, ca="credential", reason="credentialName"),
    ),
    "a ConfigMap's CA needs no selector": (
        block("SIMPLE", FileSet(), credential_name="configmap://ns/ca"),
        False,
        Outcome(Kind.ONE_WAY, ca="credential", reason="credentialName"),
    ),
    "SIMPLE with a credential sends no client certificate": (
        block("SIMPLE", FileSet(), credential_name="c"),
        True,
        Outcome(Kind.ONE_WAY, ca="credential", reason="credentialName"),
    ),
    "insecureSkipVerify drops a credential's CA": (
        block("MUTUAL", FileSet(), credential_name="c", insecure_skip_verify=True),
        True,
        Outcome(Kind.CREDENTIAL, ca="nothing", reason="credentialName"),
    ),
    "no caCertificates means the system's": (
        block("MUTUAL", FileSet("/c", "/k")),
        False,
        Outcome(Kind.MUTUAL, FileSet("/c", "/k"), "system", "mode"),
    ),
    "system means the system's": (
        block("MUTUAL", FileSet("/c", "/k", "system", "/crl")),
        False,
        Outcome(Kind.MUTUAL, FileSet("/c", "/k", "", "/crl"), "system", "mode"),
    ),
    "SYSTEM is a file": (
        block("SIMPLE", FileSet("", "", "SYSTEM")),
        False,
        Outcome(Kind.ONE_WAY, FileSet("", "", "SYSTEM"), "file", "mode"),
    ),
    "insecureSkipVerify drops CA and CRL": (
        block("MUTUAL", ALL, insecure_skip_verify=True),
        False,
        Outcome(Kind.MUTUAL, FileSet("/c", "/k"), "nothing", "mode"),
    ),
    "a tilde in the certificate's path shows the mesh identity": (
        block("MUTUAL", FileSet("/c~1", "/k", "/ca")),
        False,
        Outcome(Kind.MESH_IDENTITY, FileSet("", "", "/ca"), "file", "clientCertificate"),
    ),
    "a tilde in the key's path shows the mesh identity": (
        block("MUTUAL", FileSet("/c", "/k~", "/ca")),
        False,
        Outcome(Kind.MESH_IDENTITY, FileSet("", "", "/ca"), "file", "privateKey"),
    ),
    "a tilde in the CA's path leaves no CA to verify with": (
        block("MUTUAL", FileSet("/c", "/k", "/ca~")),
        False,
        Outcome(Kind.MUTUAL, FileSet("/c", "/k"), "malformed", "mode"),
    ),
    "paths are taken verbatim": (
        block("MUTUAL", FileSet(" /c", "etc//k\n", "/ca/")),
        False,
        Outcome(Kind.MUTUAL, FileSet(" /c", "etc//k\n", "/ca/"), "file", "mode"),
    ),
}


@pytest.mark.parametrize("row", ROWS, ids=list(ROWS))
def test_mode_table(row: str) -> None:
    tls, selector, expected = ROWS[row]
    assert outcome(tls, external=True, selector=selector) == expected


def test_metadata_certificates_apply_only_inside_the_mesh() -> None:
    names = {"ISTIO_META_TLS_CLIENT_CERT_CHAIN": "/m/c", "ISTIO_META_TLS_CLIENT_KEY": "/m/k"}
    metadata = metadata_files(Mesh(proxy_metadata=names))
    inside = [outcome(block(mode), external=False, selector=False, metadata=metadata) for mode in ("MUTUAL", "SIMPLE")]
    outside = outcome(block("MUTUAL"), external=True, selector=False, metadata=metadata)
    assert [one.files for one in (*inside, outside)] == [FileSet("/m/c", "/m/k"), CA, FILES]
    assert metadata_files(Mesh()) is None


TOP, PORT, SUB, SUB_PORT = (mutual(path=name) for name in ("top", "port", "sub", "sub-port"))

EFFECTIVE = {
    "the top level holds for every port": (policy(TOP), None, 443, TOP),
    "a port entry comes before the top level": (policy(TOP, {443: PORT}), None, 443, PORT),
    "a port entry is for its own port only": (policy(TOP, {8443: PORT}), None, 443, TOP),
    "a port entry without tls takes the top level away": (policy(TOP, {443: None}), None, 443, None),
    "no policy at all": (None, None, 443, None),
    "a subset without policy has the rule's": (policy(TOP, {443: PORT}), subset("v1"), 443, PORT),
    "a subset's own tls comes first": (policy(TOP), subset("v1", policy(SUB)), 443, SUB),
    "a subset policy without tls inherits": (policy(TOP), subset("v1", policy()), 443, TOP),
    "a subset inherits the rule's port entry": (policy(TOP, {443: PORT}), subset("v1", policy()), 443, PORT),
    "a subset inherits a port entry without tls": (policy(TOP, {443: None}), subset("v1", policy()), 443, None),
    "a subset's port entry": (policy(TOP), subset("v1", policy(SUB, {443: SUB_PORT})), 443, SUB_PORT),
    "a subset's port entry without tls inherits nothing": (
        policy(TOP),
        subset("v1", policy(SUB, {443: None})),
        443,
        None,
    ),
    "a subset alone": (None, subset("v1", policy(SUB)), 443, SUB),
    "a subset alone with a port entry without tls": (None, subset("v1", policy(SUB, {443: None})), 443, None),
}


@pytest.mark.parametrize("row", EFFECTIVE, ids=list(EFFECTIVE))
def test_the_block_in_force(row: str) -> None:
    top, one, port, expected = EFFECTIVE[row]
    judged = rule(policy=top, subsets=(one,) if one else ())
    assert tls_of(judged.policy, one, port) == expected


def test_of_two_entries_for_one_port_the_first_counts() -> None:
    twice = policy(TOP, {443: PORT})
    again = policy(TOP, {443: SUB})
    both = type(twice)("policy", TOP, (*twice.ports, *again.ports))
    assert tls_of(both, None, 443) == PORT


def test_originations_name_their_source_per_port_and_subset() -> None:
    older = rule("older", policy=None, subsets=(subset("v1", policy(SUB)), subset("v2")))
    younger = rule("younger", policy=policy(TOP, {80: None}))
    service = entry(
        ports=(ServicePort(80, "http", "HTTP"), ServicePort(443, "https", "HTTPS"), ServicePort(53, "dns", "UDP"))
    )
    found = originations(merge((older, younger))[0], service)
    assert [(one.rule.ref.name, one.port.number, one.subset, one.tls) for one in found] == [
        ("older", 80, "v1", SUB),
        ("younger", 443, "", TOP),
        ("older", 443, "v1", SUB),
        ("younger", 443, "v2", TOP),
    ]


def test_dynamic_dns_wildcard_has_some_clusters() -> None:
    ports = tuple(
        ServicePort(number, kind.lower(), kind) for number, kind in enumerate(("HTTP", "HTTPS", "TCP", "TLS"))
    )
    one = merge((rule(subsets=(subset("v1", policy(SUB)),)),))[0]
    dynamic = entry(host="*.system.com", ports=ports, resolution="DYNAMIC_DNS")
    assert [(made.port.name, made.subset) for made in originations(one, dynamic)] == [("http", ""), ("tls", "")]


def test_an_external_name_makes_no_cluster() -> None:
    assert originations(merge((rule(),))[0], entry(external_name="other.example.com")) == ()
