"""The webhook's own certificate: what cannot serve is said, and a renewed one is taken up."""

import os
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.encode import cert_der, cert_pem, key_pem
from certs.issue import Dates, Issued, make_ca, make_leaf
from examples.material import WEBHOOK
from webhook.serving.ca import CertificatePair, Key
from webhook.serving.key_file import PrivateFile
from webhook.serving.tls import BadCertificate, TlsContextSource, load_context

DATES = Dates.around(datetime.now(UTC))
CA = make_ca(DATES)
LEAF, OTHER = make_leaf(CA, DATES, WEBHOOK), make_leaf(CA, DATES, WEBHOOK)


def write(folder: Path, certificate: bytes, key: bytes) -> tuple[Path, Path]:
    """The two files of a pair."""
    paths = folder / "tls.crt", folder / "tls.key"
    for path, content in zip(paths, (certificate, key), strict=True):
        path.write_bytes(content)
    return paths


def serves(certificates: TlsContextSource) -> bytes:
    """The certificate that a client is shown now, in DER."""
    client = ssl.create_default_context(cadata=cert_pem(CA).decode())
    near, far = socket.socketpair()
    shown: list[bytes | None] = []

    def connect() -> None:
        with client.wrap_socket(near, server_hostname="localhost") as connection:
            shown.append(connection.getpeercert(binary_form=True))

    thread = threading.Thread(target=connect)
    thread.start()
    with far, certificates.context().wrap_socket(far, server_side=True):
        thread.join()
    return shown[0] or b""


def pair(issued: Issued) -> tuple[bytes, bytes]:
    """Certificate and key of a leaf."""
    return cert_pem(issued), key_pem(issued)


BAD: dict[str, tuple[Callable[[], tuple[bytes, bytes]], str]] = {
    "key of another": (
        lambda: (cert_pem(LEAF), key_pem(OTHER)),
        "key {key} does not belong to certificate {certificate}",
    ),
    "exchanged": (
        lambda: (key_pem(LEAF), cert_pem(LEAF)),
        "certificate {certificate} holds no PEM block of a certificate",
    ),
    "DER": (
        lambda: (cert_der(LEAF), key_pem(LEAF)),
        "certificate {certificate} holds no PEM block of a certificate",
    ),
    "no key": (lambda: (cert_pem(LEAF), b""), "private key {key} holds no PEM block of a private key"),
    "encrypted": (
        lambda: (cert_pem(LEAF), key_pem(LEAF, password="x")),
        "key {key} is encrypted; give one without a password",
    ),
    "garbage": (
        lambda: (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key_pem(LEAF)),
        "certificate {certificate} with key {key} cannot be loaded: ",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_pair_that_cannot_serve_is_refused_in_words(case: str, tmp_path: Path) -> None:
    made, text = BAD[case]
    certificate, key = write(tmp_path, *made())
    with pytest.raises(BadCertificate) as caught:
        load_context(certificate, key)
    wanted = text.format(certificate=certificate, key=key)
    assert str(caught.value)[: len(wanted)] == wanted


def test_no_tls_older_than_1_2_is_spoken(tmp_path: Path) -> None:
    assert load_context(*write(tmp_path, *pair(LEAF))).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCertificate) as caught:
        load_context(tmp_path / "tls.crt", tmp_path / "tls.key")
    assert str(caught.value) == f"certificate {tmp_path / 'tls.crt'} cannot be read: No such file or directory"


def test_a_renewed_pair_serves_from_the_next_connection_on(tmp_path: Path) -> None:
    certificates = TlsContextSource(*write(tmp_path, *pair(LEAF)), pytest.fail)
    first, kept = serves(certificates), certificates.context()
    assert certificates.context() is kept
    write(tmp_path, *pair(OTHER))
    assert [first, serves(certificates)] == [cert_der(LEAF), cert_der(OTHER)]


def test_a_pair_renewed_by_halves_never_stops_the_old_one(tmp_path: Path) -> None:
    """Two files are replaced one after the other; in between they do not belong together."""
    told: list[str] = []
    certificate, key = write(tmp_path, *pair(LEAF))
    certificates = TlsContextSource(certificate, key, told.append)
    certificate.write_bytes(cert_pem(OTHER) + b"\n")
    shown = [serves(certificates), serves(certificates)]
    key.unlink()
    shown.append(serves(certificates))
    key.write_bytes(key_pem(OTHER))
    assert [*shown, serves(certificates)] == [cert_der(LEAF)] * 3 + [cert_der(OTHER)]
    assert told == [
        f"key {key} does not belong to certificate {certificate}",
        f"private key {key} cannot be read: No such file or directory",
    ]


def test_a_secret_volume_swaps_its_link_and_is_noticed(tmp_path: Path) -> None:
    """A renewal writes a new folder and moves the link `..data`; file times may be equal."""
    for name, issued in (("one", LEAF), ("two", OTHER)):
        (tmp_path / name).mkdir()
        for path in write(tmp_path / name, *pair(issued)):
            os.utime(path, (0, 0))
    link = tmp_path / "..data"
    link.symlink_to("one")
    certificates = TlsContextSource(link / "tls.crt", link / "tls.key", pytest.fail)
    first = serves(certificates)
    link.unlink()
    link.symlink_to("two")
    assert [first, serves(certificates)] == [cert_der(LEAF), cert_der(OTHER)]


def test_own_pair_is_one_private_file_replaced_atomically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were they two files, a connection between both would meet a key of another certificate."""
    monkeypatch.delenv("TMPDIR", raising=False)
    pairs = [CertificatePair(issued.certificate, issued.key) for issued in (LEAF, OTHER) if isinstance(issued.key, Key)]
    file = PrivateFile(tmp_path)
    written = [file.write(pairs[0]), file.write(pairs[0])]
    certificates = TlsContextSource(file.path, file.path, pytest.fail)
    first, kept = serves(certificates), file.path.stat()
    written.append(file.write(pairs[1]))
    assert [first, serves(certificates), *written] == [cert_der(LEAF), cert_der(OTHER), True, False, True]
    assert kept.st_ino != file.path.stat().st_ino
    modes = [found.stat().st_mode & 0o777 for found in (file.path, file.path.parent)]
    assert modes == [0o600, 0o700]
    file.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_place_for_temporary_files_that_was_named_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "named"))
    (tmp_path / "named").mkdir()
    file = PrivateFile(tmp_path)
    assert file.path.parent.parent == tmp_path / "named"
    file.remove()
