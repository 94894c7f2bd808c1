"""The certificates that tests and demo use are what they claim to be: OpenSSL's and Python's own readers agree."""

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509.verification import ClientVerifier, PolicyBuilder, Store, VerificationError

from certs.__main__ import main
from certs.bundle import client_bundle, partners
from certs.encode import cert_pem, chain_pem, key_pem, negative_serial_pem, p12, relabel, wrap
from certs.issue import Dates, Issued, Profile, make_ca, make_crl, make_leaf

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
DATES = Dates.around(AT)


def _verifier(ca: Issued, at: datetime = AT) -> ClientVerifier:
    return PolicyBuilder().store(Store([ca.certificate])).time(at).build_client_verifier()


def test_client_and_server_share_the_issuer_that_both_trust() -> None:
    """One CA; names as in the worked example."""
    both = partners(AT)
    both.client.certificate.verify_directly_issued_by(both.ca.certificate)
    both.server.certificate.verify_directly_issued_by(both.ca.certificate)
    names = [one.certificate.subject.rfc4514_string() for one in (both.ca, both.client, both.server)]
    assert names == [
        "CN=Example Root CA,O=Example",
        "CN=client,O=Example",
        "CN=external.system.com,O=Example",
    ]


def test_the_bundle_holds_the_keys_of_the_worked_example() -> None:
    """Python's ssl loads it as a client would."""
    bundle = client_bundle(AT)
    assert sorted(bundle) == ["cacert", "cert", "key"]
    certificate = x509.load_pem_x509_certificate(bundle["cert"])
    assert load_pem_private_key(bundle["key"], None).public_key() == certificate.public_key()
    assert (certificate.not_valid_before_utc, certificate.not_valid_after_utc) == (DATES.start, DATES.end)


def test_a_chain_verifies_leaf_first_and_an_expired_one_does_not() -> None:
    """Root, intermediate, leaf; the same a year later."""
    root = make_ca(DATES)
    leaf = make_leaf(make_ca(DATES, Profile("Issuing", usages=None, is_ca=True), issuer=root), DATES, _CLIENT)
    assert x509.load_pem_x509_certificates(chain_pem(leaf)) == list(leaf.chain)
    found = _verifier(root).verify(leaf.chain[0], list(leaf.chain[1:]))
    assert found.chain == [*leaf.chain, root.certificate]
    with pytest.raises(VerificationError):
        _verifier(root, AT + timedelta(days=366)).verify(leaf.chain[0], list(leaf.chain[1:]))


_CLIENT = Profile(hosts=("client.example",))


def test_every_kind_of_key_is_made_as_it_is_called() -> None:
    """The kinds that Envoy takes, and some that it does not."""
    kinds = ["P-256", "P-384", "P-521", "Ed25519", "Ed448", "RSA-1024", "secp256k1"]
    ca = make_ca(DATES)
    made = [make_leaf(ca, DATES, Profile(key=kind)).certificate.public_key() for kind in kinds]
    told = [f"{type(key).__name__} {getattr(key, 'key_size', '')}".replace("PublicKey", "").strip() for key in made]
    assert told == ["EC 256", "EC 384", "EC 521", "Ed25519", "Ed448", "RSA 1024", "EC 256"]


def test_encodings_hold_what_went_in() -> None:
    """PKCS#12, an encrypted key, other labels, a negative serial, a revocation list."""
    leaf = make_leaf(make_ca(DATES), DATES, Profile(serial=1))
    assert pkcs12.load_key_and_certificates(p12(leaf, "pw"), b"pw")[1] == leaf.certificate
    locked = key_pem(leaf, password="pw")
    assert load_pem_private_key(locked, b"pw").public_key() == leaf.key.public_key()
    with pytest.raises(TypeError, match="encrypted"):
        load_pem_private_key(locked, None)
    assert relabel(relabel(cert_pem(leaf), "X"), "CERTIFICATE") == cert_pem(leaf)
    with pytest.warns(UserWarning, match="serial number"):
        assert x509.load_pem_x509_certificate(negative_serial_pem(leaf)).serial_number == -127
    assert ssl.PEM_cert_to_DER_cert(wrap("CERTIFICATE", b"any bytes").decode()) == b"any bytes"
    assert make_crl(leaf, DATES).next_update_utc == DATES.end


def test_a_negative_serial_wants_serial_one() -> None:
    """It is put in the place of that byte."""
    with pytest.raises(ValueError, match="the serial must be 1, it is 7"):
        negative_serial_pem(make_leaf(None, DATES, Profile(serial=7)))


def test_the_command_writes_files_that_only_the_owner_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And prints the kubectl line for the client's; OpenSSL accepts both sides."""
    main([str(tmp_path / "out"), "--days", "3"])
    files = sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert [(str(path.relative_to(tmp_path / "out")), oct(path.stat().st_mode & 0o777)) for path in files] == [
        (name, "0o600")
        for name in ("ca/ca.crt", "ca/ca.key", "client/cacert", "client/cert", "client/key",
                     "server/ca.crt", "server/tls.crt", "server/tls.key")
    ]  # fmt: skip
    line = f"kubectl -n devel create secret generic external-system-mtls-data --from-file={tmp_path}/out/client\n"
    assert capsys.readouterr().out == line
    context = ssl.create_default_context(cafile=str(tmp_path / "out/client/cacert"))
    context.load_cert_chain(tmp_path / "out/client/cert", tmp_path / "out/client/key")
    assert context.cert_store_stats()["x509_ca"] == 1


def test_no_certificate_or_key_is_committed() -> None:
    """Nothing but this package's output carries PEM bodies."""
    answer = subprocess.run(
        ["git", "grep", "-lE", "^-----BEGIN (CERTIFICATE|[A-Z ]*PRIVATE KEY)-----$", "--", ":!docs"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode > 1:
        pytest.skip("not a git checkout")
    assert answer.stdout == ""
