"""The server's TLS context: made from two files, kept, and made anew when the files change.

Who issues the certificate is left to others; here it is only read.
"""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn


class BadCertificate(ValueError):
    """Certificate and key cannot serve; the text names the file and what is wrong with it."""


class TlsContextSource:
    """Holds the context for a certificate and its key; a renewed pair serves from the next connection on.

    A pair that cannot be loaded never replaces one that serves: `complain` is told once, and the old one stays.
    """

    def __init__(self, certificate: Path, key: Path, complain: Callable[[str], None]) -> None:
        """Loads the pair.

        Raises:
            BadCertificate: it cannot serve.
        """
        self.certificate, self.key, self.complain = certificate, key, complain
        self._seen = _state(certificate), _state(key)
        self._context = load_context(certificate, key)

    def context(self) -> ssl.SSLContext:
        """The context to serve the next connection with."""
        versions = _state(self.certificate), _state(self.key)
        if versions != self._seen:
            self._seen = versions
            try:
                self._context = load_context(self.certificate, self.key)
            except BadCertificate as error:
                self.complain(str(error))
        return self._context


def load_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A TLS server context for the pair: TLS 1.2 or newer, HTTP/1.1 only (an HTTP/2 connection pins one replica).

    Raises:
        BadCertificate: a file cannot be read, is not what it should be, or the two do not belong together.
    """
    _demand(certificate, b"CERTIFICATE-----", "certificate")
    _demand(key, b"PRIVATE KEY-----", "private key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # client-go resumes no session
    try:
        context.load_cert_chain(certificate, key, password=lambda: _refuse_encrypted(key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"key {key} does not belong to certificate {certificate}") from error
        raise BadCertificate(f"certificate {certificate} with key {key} cannot be loaded: {error.reason}") from error
    return context


def _demand(path: Path, label: bytes, description: str) -> None:
    """Raises BadCertificate unless the file can be read and holds a PEM block of that label."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadCertificate(f"{description} {path} cannot be read: {error.strerror}") from error
    if label not in content:
        raise BadCertificate(f"{description} {path} holds no PEM block of a {description}")


def _refuse_encrypted(key: Path) -> NoReturn:
    """Instead of asking a terminal for the password, as OpenSSL would."""
    raise BadCertificate(f"key {key} is encrypted; give one without a password")


def _state(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written to; None when it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116  # asked for each connection
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
