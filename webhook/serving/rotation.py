"""What is due with the webhook's own certificates at an instant; knows no clock, no file and no cluster.

A CA is replaced in two steps, so that at no instant a replica serves what the API server does not trust: first the next
CA is only announced, and its certificate goes into the bundle of the webhook configurations beside the old one;
once they have held it for a while, a leaf of the new CA is issued. The old CA loses its key at once, and stays
in the bundle until it has expired: no leaf outlives its CA, so by then none of it can be served.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography import x509

from webhook.serving.ca import (
    CertificateLifetimes,
    CertificatePair,
    NewKey,
    cert_pem,
    issue_ca,
    issue_leaf,
    leaf_end,
    names_of,
    new_key,
    signed_by,
)

Authorities = Collection[x509.Certificate]
"""Certificates of CAs."""


@dataclass(frozen=True, slots=True)
class CertificateSet:
    """Everything that is kept. ca: signed the leaf and will sign the next one.

    announced: the CA to come, in the bundle but not yet used. previous: CAs still trusted, whose keys are gone.
    """

    ca: CertificatePair | None = None
    leaf: CertificatePair | None = None
    announced: CertificatePair | None = None
    previous: tuple[x509.Certificate, ...] = ()

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """The certificates that the API server shall verify us with."""
        current = [pair.certificate for pair in (self.ca, self.announced) if pair]
        return tuple(dict.fromkeys([*current, *self.previous]))

    @property
    def bundle(self) -> bytes:
        """The same as PEM: what `caBundle` shall hold."""
        return cert_pem(*self.trusted)

    def ends_within(self, span: timedelta, at: datetime) -> bool:
        """Whether the CA that signs ends so soon: then it is time to hurry."""
        return self.ca is not None and self.ca.end - at <= span

    def ends(self) -> Mapping[str, datetime]:
        """Until when the leaf and the CA that signed it are valid."""
        return {name: pair.end for name, pair in (("leaf", self.leaf), ("ca", self.ca)) if pair}


@dataclass(frozen=True, slots=True)
class RotationRequirements:
    """What the certificates are judged by. names: DNS names that the leaf must be for.

    settled: the CAs that every webhook configuration has held for long enough.
    """

    at: datetime
    names: frozenset[str]
    settled: Authorities = ()
    terms: CertificateLifetimes = field(default_factory=CertificateLifetimes)


@dataclass(frozen=True, slots=True)
class RotationStep:
    """A change to make. reason: constant text for the log. urgent: without it nothing good can be served."""

    state: CertificateSet
    reason: str
    urgent: bool = False


def advance(state: CertificateSet, need: RotationRequirements, key: NewKey = new_key) -> RotationStep | None:
    """The next change that is due, None when all is well; each step leaves a state that serves."""
    unexpired = _without_expired(state, need.at)
    if not serves(unexpired, need.at, need.names):
        return RotationStep(_repaired(unexpired, need, key), "a certificate that can serve was issued", urgent=True)
    if unexpired.announced and unexpired.announced.certificate in need.settled:
        return RotationStep(_succeeded(unexpired, unexpired.announced, need, key), "the announced CA has taken over")
    if not unexpired.announced and (not unexpired.ca or _left(unexpired.ca, need) <= need.terms.ca_renewal):
        return RotationStep(
            replace(unexpired, announced=issue_ca(key(), need.at, need.terms)), "the next CA was announced"
        )
    if unexpired.ca and unexpired.leaf and _leaf_due(unexpired.ca, unexpired.leaf, need):
        leaf = issue_leaf(unexpired.ca, key(), need.names, need.at, need.terms)
        return RotationStep(replace(unexpired, leaf=leaf), "the certificate was renewed")
    return RotationStep(unexpired, "an expired CA was dropped") if unexpired != state else None


def serves(state: CertificateSet, at: datetime, names: Collection[str]) -> bool:
    """Whether a client that trusts the bundle would accept the leaf now under each of these names."""
    leaf = state.leaf
    if not leaf or not _valid(leaf.certificate, at) or not names_of(leaf.certificate).issuperset(names):
        return False
    return any(signed_by(leaf.certificate, ca) and _valid(ca, at) for ca in state.trusted)


def usable_certificates(stored: CertificateSet, cached: CertificateSet, at: datetime) -> CertificateSet:
    """What is stored, or, where that cannot serve any more, what this replica knows from before and serves still."""
    return cached if serves(cached, at, ()) and not serves(stored, at, ()) else stored


def _repaired(state: CertificateSet, need: RotationRequirements, key: NewKey) -> CertificateSet:
    """A state that serves, from the best CA at hand. Names that another replica wants stay: two never take turns."""
    signer = state.ca or state.announced or issue_ca(key(), need.at, need.terms)
    leaf_names = (
        names_of(state.leaf.certificate) if state.leaf and _valid(state.leaf.certificate, need.at) else frozenset()
    )
    leaf = issue_leaf(signer, key(), need.names | leaf_names, need.at, need.terms)
    announced = state.announced if signer is not state.announced else None
    return replace(state, ca=signer, leaf=leaf, announced=announced)


def _succeeded(
    state: CertificateSet, signer: CertificatePair, need: RotationRequirements, key: NewKey
) -> CertificateSet:
    """The announced CA signs from now on; the old one is trusted only."""
    old = (state.ca.certificate,) if state.ca else ()
    leaf = issue_leaf(signer, key(), need.names, need.at, need.terms)
    return CertificateSet(signer, leaf, None, (*old, *state.previous))


def _leaf_due(ca: CertificatePair, leaf: CertificatePair, need: RotationRequirements) -> bool:
    """Whether the leaf is near its end, and another one would be valid for longer."""
    return _left(leaf, need) <= need.terms.leaf_renewal and leaf_end(ca, need.at, need.terms) > leaf.end


def _without_expired(state: CertificateSet, at: datetime) -> CertificateSet:
    """The state without CAs that are of no use at this instant."""
    ca, announced = (pair if pair and _valid(pair.certificate, at) else None for pair in (state.ca, state.announced))
    return CertificateSet(
        ca, state.leaf, announced, tuple(certificate for certificate in state.previous if _valid(certificate, at))
    )


def _left(pair: CertificatePair, need: RotationRequirements) -> timedelta:
    """How long it is valid yet."""
    return pair.end - need.at


def _valid(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether the instant lies between its dates."""
    return certificate.not_valid_before_utc <= at < certificate.not_valid_after_utc
