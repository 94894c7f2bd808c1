"""What a tls block makes a sidecar do: which block counts for a port and subset, and which files are then read.

Leaves to `rules` whose block it is, and to `trace` whether the files exist. Behaviour: Istio 1.31,
pilot/pkg/networking/core/cluster_tls.go and pilot/pkg/networking/util/util.go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Protocol

from webhook.istio.pilot.destination_rule_merge import Entry
from webhook.istio.pilot.services import clustered, is_dynamic
from webhook.model.chain import Origination
from webhook.model.mesh import FileSet, Mesh, Service, Subset, TlsSettings, TrafficPolicy

MOST_ORIGINATIONS = 100
"""Combinations of port and subset of one service that are evaluated."""
_NO_FILES = FileSet()
_SYSTEM = "system"
_METADATA = ("TLS_CLIENT_CERT_CHAIN", "TLS_CLIENT_KEY", "TLS_CLIENT_ROOT_CERT")


class Kind(StrEnum):
    """What happens on the wire."""

    NONE = "none"  # no tls block: automatic mTLS inside the mesh, plain text to the outside
    PLAINTEXT = "plaintext"
    ONE_WAY = "tls-without-client-certificate"
    MUTUAL = "mutual-with-files"
    MESH_IDENTITY = "mesh-identity"  # a `~` in a path: the SPIFFE certificate goes to the partner
    ISTIO_MUTUAL = "istio-mutual"
    CREDENTIAL = "sds-credential"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tls block leads to. files: what the agent or Envoy will really read, verbatim paths.

    ca: how the partner is verified: `file`, `system`, `nothing` (insecureSkipVerify), `malformed` (a `~` in the
    path: nobody is verified, or every call fails), `mesh`, `credential`, or '' without TLS. reason: names the field
    that decided.
    """

    kind: Kind
    files: FileSet = _NO_FILES
    ca: str = ""
    reason: str = ""


class Ruled(Protocol):
    """Something with a policy and subsets: a DestinationRule, or an entry of several merged ones."""

    @property
    def policy(self) -> TrafficPolicy | None:
        """The top-level trafficPolicy."""

    @property
    def subsets(self) -> tuple[Subset, ...]:
        """The subsets."""


def originations(entry: Entry, service: Service) -> tuple[Origination, ...]:
    """Every tls block of the entry in force for the service: per port the host itself, then each subset.

    One that is dynamic has no subsets (cluster_builder.go, applyDestinationRule). No more than MOST_ORIGINATIONS.
    """
    return tuple(islice(_originations(entry, service), MOST_ORIGINATIONS))


def _originations(entry: Entry, service: Service) -> Iterator[Origination]:
    subsets = () if is_dynamic(service) else tuple(zip(entry.subsets, entry.subset_owners, strict=True))
    for port in clustered(service):
        top = _at_port(entry.policy, port.number)[0]
        if top is not None:
            yield Origination(entry.policy_owner, service, port, "", top)
        for subset, owner in subsets:
            tls = tls_of(entry.policy, subset, port.number)
            if tls is not None:
                yield Origination(entry.policy_owner if tls is top else owner, service, port, subset.name, tls)


def _at_port(policy: TrafficPolicy | None, port: int) -> tuple[TlsSettings | None, bool]:
    """The tls of a policy for a port, and whether an entry of its own decided it; the first such entry counts."""
    if policy is None:
        return None, False
    for entry in policy.ports:
        if entry.number == port:
            return entry.tls, True
    return policy.tls, False


def tls_of(policy: TrafficPolicy | None, subset: Subset | None, port: int) -> TlsSettings | None:
    """The tls block that applies to a service port and a subset (None for the host itself), None where there is none.

    A port entry without tls takes the top-level tls away from its port. port: of the service, never a targetPort.
    """
    top, _ = _at_port(policy, port)
    if subset is None or subset.policy is None:
        return top
    subset_tls, by_port = _at_port(subset.policy, port)
    return subset_tls if subset_tls is not None or by_port or policy is None else top


def metadata_files(mesh: Mesh) -> FileSet | None:
    """The files that proxyMetadata names in place of those of rules, None when it names none."""
    chain, key, root = (mesh.proxy_metadata.get(f"ISTIO_META_{name}", "") for name in _METADATA)
    return FileSet(chain, key, root) if chain else None


def outcome(tls: TlsSettings | None, *, external: bool, selector: bool, metadata: FileSet | None = None) -> Outcome:
    """What a tls block leads to at a sidecar.

    external: the service is outside the mesh. selector: the rule has a workloadSelector, even an empty one.
    metadata: `metadata_files`, which replace the rule's certificates for services inside the mesh.
    """
    if tls is None:
        return Outcome(Kind.NONE)
    if tls.mode not in ("SIMPLE", "MUTUAL", "ISTIO_MUTUAL"):
        return Outcome(Kind.PLAINTEXT, reason="mode")
    if metadata is not None and not external and tls.mode != "SIMPLE":
        return _with_files(metadata, mutual=True, unchecked=tls.insecure_skip_verify)
    if tls.mode == "ISTIO_MUTUAL":
        return Outcome(Kind.ISTIO_MUTUAL, ca="mesh", reason="mode")
    if tls.credential_name:
        return _with_credential(tls, selector=selector)
    return _with_files(tls.files, mutual=tls.mode == "MUTUAL", unchecked=tls.insecure_skip_verify)


def _with_credential(tls: TlsSettings, *, selector: bool) -> Outcome:
    from_config_map = tls.credential_name.startswith("configmap://")
    if not selector and not from_config_map:
        return Outcome(Kind.PLAINTEXT, reason="credentialName")
    kind = Kind.ONE_WAY if tls.mode == "SIMPLE" else Kind.CREDENTIAL
    return Outcome(kind, ca="nothing" if tls.insecure_skip_verify else "credential", reason="credentialName")


def _with_files(written: FileSet, *, mutual: bool, unchecked: bool) -> Outcome:
    if mutual and not (written.client_certificate and written.private_key):
        return Outcome(Kind.PLAINTEXT, reason="clientCertificate" if written.private_key else "privateKey")
    ca, root, crl = _verification(written, unchecked=unchecked)
    if not mutual:
        return Outcome(Kind.ONE_WAY, FileSet("", "", root, crl), ca, "mode")
    for field, path in (("clientCertificate", written.client_certificate), ("privateKey", written.private_key)):
        if "~" in path:
            return Outcome(Kind.MESH_IDENTITY, FileSet("", "", root, crl), ca, field)
    files = written if (root, crl) == (written.ca_certificates, written.ca_crl) else None
    both = FileSet(written.client_certificate, written.private_key, root, crl)
    return Outcome(Kind.MUTUAL, files or both, ca, "mode")


def _verification(written: FileSet, *, unchecked: bool) -> tuple[str, str, str]:
    """How the partner is verified, and the CA file and CRL read for it."""
    if unchecked:
        return "nothing", "", ""
    if written.ca_certificates in ("", _SYSTEM):
        return "system", "", written.ca_crl
    if "~" in written.ca_certificates:
        return "malformed", "", written.ca_crl
    return "file", written.ca_certificates, written.ca_crl
