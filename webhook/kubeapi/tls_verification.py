"""How a TLS server's certificate is verified: as Go does it, and so client-go, kubectl, Helm and the API server.

Python 3.13 sets VERIFY_X509_STRICT, which refuses CAs that all of these accept: OpenSSL 3.0 (`req -x509`) makes them
without keyUsage, others without an authority key identifier. Here it is never set.

Source: https://github.com/golang/go/blob/go1.26.0/src/crypto/x509/verify.go (any certificate of the bundle is a trust
anchor, an intermediate or the server's own too; names by subjectAltName only; no revocation lists); AppendCertsFromPEM
in cert_pool.go (what is no certificate is passed over); client-go v0.37.2, transport/transport.go.
"""

import base64
import binascii
import re
import ssl
from collections.abc import Iterator

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s(.*?)\s-----END CERTIFICATE-----", re.DOTALL)


class NoAuthorities(ValueError):
    """A CA bundle holds no certificate; the text says so."""


def client_context(authorities: bytes | None, *, verify: bool = True) -> ssl.SSLContext:
    """A context for a TLS client. authorities: CA certificates, PEM; None for those of the system. verify: False for
    `insecure-skip-tls-verify`.

    Raises:
        NoAuthorities: there is no certificate in the bundle.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif authorities is None:
        context.load_default_certs()
    elif not sum(_trusted(context, der) for der in _certificates(authorities)):
        raise NoAuthorities("the CA bundle holds no certificate (PEM)")
    return context


def _trusted(context: ssl.SSLContext, der: bytes) -> bool:
    """Trusts a certificate, if it can be read."""
    try:
        context.load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _certificates(pem: bytes) -> Iterator[bytes]:
    """The certificates of a bundle in DER; keys, revocation lists and damaged blocks are passed over."""
    for block in _CERTIFICATE.findall(pem):
        try:
            yield base64.b64decode(b"".join(block.split()), validate=True)
        except binascii.Error:
            continue
