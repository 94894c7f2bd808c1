"""The files at the ends of a workload's chains: their certificates, and the files that its sidecar fails to load."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webhook.model.chain import Chain, Credential
from webhook.model.finding import ObjectRef
from webhook.model.material import CertificateFacts, Material
from webhook.trace.mount_candidates import UnexplainedMount

if TYPE_CHECKING:
    from webhook.material.refusal import LoadFailure


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that the sidecar will not load. chain: of the file at fault.

    counterpart: the certificate of a private key, or the private key of a certificate, if there is one.
    """

    chain: Chain
    refusal: "LoadFailure"
    counterpart: Chain | None = None


@dataclass(frozen=True, slots=True)
class LocatedCertificate:
    """A certificate that the sidecar presents or verifies with.

    certain: False for a mount whose purpose is unknown.
    position: among the certificates of its file; 0 is the leaf of a client certificate.
    """

    object: ObjectRef
    key: str
    position: int
    certificate: CertificateFacts
    certain: bool = True


def refused(credentials: tuple[Credential, ...]) -> Iterator[RefusedFile]:
    """The files that istio-agent or Envoy fail to load: at most one per certificate, CA and CRL."""
    for credential in credentials:
        yield from _refused_pair(credential)
        yield from _refused_alone(credential)


def _refused_pair(credential: Credential) -> Iterator[RefusedFile]:
    certificate, key = credential.certificate, credential.key
    certificate_file, key_file = _material(certificate), _material(key)
    if certificate is None or key is None or certificate_file is None or key_file is None:
        return
    from webhook.material.proxy_loading import sidecar_refuses_pair

    refusal = sidecar_refuses_pair(certificate_file, key_file)
    if refusal is not None:
        at_key = refusal.role == "key"
        yield RefusedFile(key if at_key else certificate, refusal, certificate if at_key else key)


def _refused_alone(credential: Credential) -> Iterator[RefusedFile]:
    from webhook.material.proxy_loading import sidecar_refuses_ca, sidecar_refuses_crl

    for chain, judge in ((credential.ca, sidecar_refuses_ca), (credential.crl, sidecar_refuses_crl)):
        material = _material(chain)
        refusal = judge(material) if material is not None else None
        if chain is not None and refusal is not None:
            yield RefusedFile(chain, refusal)


def _material(chain: Chain | None) -> Material | None:
    return None if chain is None or chain.file.absent else chain.file.material


def client_certificates(
    credentials: Iterable[Credential], mounts: Iterable[UnexplainedMount]
) -> Iterator[LocatedCertificate]:
    """The certificates of every client certificate file, and those of mounts that no DestinationRule uses.

    If such a mount is meant for a DestinationRule, its certificate is presented as soon as the mount is corrected.
    """
    for credential in credentials:
        yield from _of_chain(credential.certificate)
    for mount in mounts:
        for facts in mount.facts:
            yield from _of_secret(facts.ref, facts.keys, certain=mount.evident)


def ca_certificates(credentials: Iterable[Credential]) -> Iterator[tuple[Chain, tuple[CertificateFacts, ...]]]:
    """By chain that ends in a CA bundle: the certificates of the bundle. Empty bundles are left out."""
    for credential in credentials:
        material = _material(credential.ca)
        if credential.ca is not None and material is not None and material.certificates:
            yield credential.ca, material.certificates


def _of_chain(chain: Chain | None) -> Iterator[LocatedCertificate]:
    material = _material(chain)
    if chain is None or material is None or chain.file.object is None:
        return
    for position, certificate in enumerate(material.certificates):
        yield LocatedCertificate(chain.file.object, chain.file.key, position, certificate)


def _of_secret(ref: ObjectRef, keys: Mapping[str, Material], *, certain: bool) -> Iterator[LocatedCertificate]:
    public_keys = {key.public_key for material in keys.values() for key in material.keys}
    for name, material in keys.items():
        leaf = material.certificates[:1]
        if leaf and leaf[0].public_key in public_keys:
            yield LocatedCertificate(ref, name, 0, leaf[0], certain=certain)
