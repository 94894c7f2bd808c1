"""The CA of a cluster and the certificate of its API server, with the extensions that each tool writes, and no others.

    for name, shape in SHAPES.items():
        pair = shape.issue(dates, ("localhost", "127.0.0.1"))

Sources: kubeadm v1.37 (client-go, util/cert/cert.go); OpenSSL 3.0.19, run (`req -x509`, `x509 -req`), whose CA has no
keyUsage, while that of 3.5 has; certificates of 1.1.1 have no authority key identifier; cfssl v1.6.5; cert-manager
v1.21.2 (a `selfSigned` Issuer). Keys are ECDSA, which the extensions do not depend on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.issue import Dates, Issued, alternative_name, make_key

Extension = tuple[x509.ExtensionType, bool]
"""And whether it is critical."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an extension may depend on. key: of the subject. signer: of the issuer."""

    key: ec.EllipticCurvePublicKey
    signer: ec.EllipticCurvePublicKey
    hosts: Sequence[str] = ()


Makes = Callable[[Request], Extension]


def key_usage(*names: str) -> Makes:
    """What its key may be used for, critical; names as in cryptography: `key_cert_sign`."""
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
    )
    chosen = {name: name in names for name in every.split()}
    usage = x509.KeyUsage(**chosen, encipher_only=False, decipher_only=False)
    return lambda _: (usage, True)


def constraints(*, is_ca: bool, critical: bool = True, path_length: int | None = None) -> Makes:
    """Whether it is a CA."""
    return lambda _: (x509.BasicConstraints(ca=is_ca, path_length=path_length), critical)


def subject_key(request: Request) -> Extension:
    """The identifier of its key."""
    return x509.SubjectKeyIdentifier.from_public_key(request.key), False


def authority_key(request: Request) -> Extension:
    """The identifier of its issuer's key."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(request.signer), False


def hosts(request: Request) -> Extension:
    """Its names."""
    return x509.SubjectAlternativeName([alternative_name(host) for host in request.hosts]), False


def critical_hosts(request: Request) -> Extension:
    """Its names, where it has no subject."""
    return hosts(request)[0], True


def usages(*which: x509.ObjectIdentifier) -> Makes:
    """What it may be used for."""
    return lambda _: (x509.ExtendedKeyUsage(which), False)


def own_name(name: str) -> Makes:
    """A name of a CA."""
    return lambda _: (x509.SubjectAlternativeName([x509.DNSName(name)]), False)


@dataclass(frozen=True, slots=True)
class Pair:
    """A cluster's CA, and the certificate of its API server."""

    ca: Issued
    server: Issued


@dataclass(frozen=True, slots=True)
class Shape:
    """How a tool makes both. name, server_name: common names, '' for a certificate without a subject."""

    ca: Sequence[Makes]
    server: Sequence[Makes]
    name: str = "kubernetes"
    server_name: str = "kube-apiserver"

    def issue(self, dates: Dates, names: Sequence[str]) -> Pair:
        """Makes both. names: DNS names and addresses of the API server."""
        ca = _issue(None, self.name, self.ca, dates)
        return Pair(ca, _issue(ca, self.server_name, self.server, dates, names))


def _issue(issuer: Issued | None, name: str, makes: Sequence[Makes], dates: Dates, names: Sequence[str] = ()) -> Issued:
    key = make_key()
    signer = issuer.key if issuer else key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else subject, subject, key.public_key(), x509.random_serial_number()
    )
    builder = builder.not_valid_before(dates.start).not_valid_after(dates.end)
    request = Request(key.public_key(), signer.public_key(), names)
    for extension, critical in (make(request) for make in makes):
        builder = builder.add_extension(extension, critical)
    return Issued(builder.sign(signer, hashes.SHA256()), key, issuer)


_SERVER = usages(ExtendedKeyUsageOID.SERVER_AUTH)
_ENCRYPTS = key_usage("digital_signature", "key_encipherment")

SHAPES: Mapping[str, Shape] = {
    "kubeadm": Shape(
        (
            key_usage("digital_signature", "key_encipherment", "key_cert_sign"),
            constraints(is_ca=True),
            subject_key,
            own_name("kubernetes"),
        ),
        (_ENCRYPTS, _SERVER, constraints(is_ca=False), authority_key, hosts),
    ),
    "OpenSSL 1.1.1": Shape((subject_key, authority_key, constraints(is_ca=True)), (hosts,)),
    "OpenSSL 3.0": Shape((subject_key, authority_key, constraints(is_ca=True)), (hosts, subject_key, authority_key)),
    "OpenSSL 3.5": Shape(
        (subject_key, authority_key, constraints(is_ca=True), key_usage("key_cert_sign", "crl_sign")),
        (hosts, subject_key, authority_key),
    ),
    "cfssl": Shape(
        (key_usage("key_cert_sign", "crl_sign"), constraints(is_ca=True), subject_key),
        (_ENCRYPTS, _SERVER, constraints(is_ca=False), subject_key, authority_key, hosts),
    ),
    "cert-manager": Shape(
        (key_usage("digital_signature", "key_encipherment", "key_cert_sign"), constraints(is_ca=True), subject_key),
        (_ENCRYPTS, constraints(is_ca=False), authority_key, critical_hosts),
        server_name="",
    ),
    "a CA without a name": Shape(
        (key_usage("key_cert_sign"), constraints(is_ca=True), subject_key),
        (_ENCRYPTS, constraints(is_ca=False), authority_key, hosts),
        name="",
    ),
    "constraints that are not critical": Shape((constraints(is_ca=True, critical=False),), (_SERVER, hosts)),
}
"""By the tool that makes them; the last ones are in use, too."""
