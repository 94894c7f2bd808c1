"""Whether the webhook's entries are there, ask us, enforce, and trust what we serve."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from secrets import token_hex

from webhook.cluster.connection import Connection
from webhook.cluster.doctor.replicas import flag_of, ports_of
from webhook.cluster.doctor.words import Check, Handshake, Installation
from webhook.cluster.entries import entries_of
from webhook.cluster.errors import NotFound
from webhook.cluster.installation import Installation as Asked
from webhook.cluster.probe import probe
from webhook.cluster.resource import MUTATING, VALIDATING, Resource
from webhook.model.manifest import Manifest, dig, mapping, sequence


@dataclass(frozen=True, slots=True)
class Found:
    """A webhook configuration by its name: what is there of it, None for nothing. kept: by the leader, not by Helm."""

    resource: Resource
    name: str
    live: Manifest | None
    kept: bool

    @property
    def entries(self) -> Mapping[str, Manifest]:
        """Its entries by name."""
        return entries_of(self.live) if self.live else {}


def check_entries(
    connection: Connection, found: Installation, deployment: Manifest, handshake: Handshake | None
) -> Iterator[Check]:
    """The configurations, their CA bundles, and last whether the API server really asks us."""
    names = ((VALIDATING, found.name), (VALIDATING, found.enforcing), (MUTATING, f"before-istio-{found.name}"))
    all_of_them = [_look(connection, resource, name, kept=name == found.enforcing) for resource, name in names]
    there = [one for one in all_of_them if one.live or one.resource is VALIDATING]  # injection is off by values, or not
    for one in there:
        yield _entries(found, one)
    container = next(iter(sequence(dig(deployment, "spec", "template", "spec", "containers"))), None)
    yield from _bundles(found, there, handshake, ports_of(container).get("webhook", 10250))
    yield _reach(connection, found, there, _tried_in(found, container))


def _look(connection: Connection, resource: Resource, name: str, *, kept: bool) -> Found:
    try:
        return Found(resource, name, connection.get(resource, "", name), kept)
    except NotFound:
        return Found(resource, name, None, kept)


def _entries(found: Installation, one: Found) -> Check:
    """Whether a configuration is there, asks our Service, and enforces."""
    title = f"entries {one.name}"
    if one.live is None:
        told = "the webhook configuration is missing: nothing is judged"
        remedy = f"see leader and rights below; then {found.restart}" if one.kept else found.upgrade
        return Check(title, good=False, told=told, remedy=remedy)
    lost = [entry for entry, manifest in one.entries.items() if not _asks_us(found, manifest)]
    if lost:
        remove = f"kubectl delete {one.resource.kind.lower()} {one.name}"
        remedy = f"{remove}; the leader makes it anew" if one.kept else f"{remove}; {found.upgrade}"
        return Check(title, good=False, told=f"{', '.join(lost)} ask somebody else", remedy=remedy)
    return _policies(found, one)


def _policies(found: Installation, one: Found) -> Check:
    title = f"entries {one.name}"
    weak = [entry for entry, manifest in one.entries.items() if manifest.get("failurePolicy") != "Fail"]
    if one.kept and weak:
        told = f"{', '.join(weak)} let everything pass while nobody answers (failurePolicy Ignore)"
        reasons = "or values say so, or the glass is broken (docs/operations.md)"
        return Check(
            title, good=None, told=told, remedy=f"see why the probe is not denied yet: {found.logs}; {reasons}"
        )
    return Check(title, good=True, told=f"{len(one.entries)} are present and point at us")


def _asks_us(found: Installation, entry: Manifest) -> bool:
    service = mapping(dig(entry, "clientConfig", "service"))
    return (service.get("namespace"), service.get("name")) == (found.namespace, found.name)


def _bundles(found: Installation, there: Iterable[Found], handshake: Handshake | None, port: int) -> Iterator[Check]:
    """Whether each CA bundle verifies what is served."""
    held = {str(dig(entry, "clientConfig", "caBundle") or "") for one in there for entry in one.entries.values()}
    if "" in held:
        yield Check("CA bundle", good=False, told="an entry has none: every call to us fails", remedy=_repair(found))
    for bundle in sorted(held - {""}):
        yield _bundle(found, bundle, handshake, port)


def _bundle(found: Installation, bundle: str, handshake: Handshake | None, port: int) -> Check:
    if handshake is None:
        forward = found.kubectl(f"port-forward deployment/{found.name} {port}")
        inside = found.kubectl(f"exec deployment/{found.name} -- mtls-guard doctor")
        told = "whether it fits what is served was not tried"
        remedy = f"{forward}, then --connect 127.0.0.1:{port}; or {inside}"
        return Check("CA bundle", good=None, told=told, remedy=remedy)
    try:
        problem = handshake(base64.b64decode(bundle, validate=True), port)
    except binascii.Error:
        problem = "it is no base64"
    if problem:
        told = f"the handshake with what is served failed: {problem}"
        return Check("CA bundle", good=False, told=told, remedy=_repair(found))
    return Check("CA bundle", good=True, told="it verifies what is served (a real handshake)")


def _repair(found: Installation) -> str:
    return (
        "the leader repairs it within seconds where leader and rights below are ok; a CA of your own stands in "
        f"certificate.existing.caBundle: {found.upgrade}"
    )


def _tried_in(found: Installation, container: object) -> str:
    """Where the probe is tried: as the replicas do; where they alone are asked about, any other namespace."""
    namespace = flag_of(container, "probe-namespace") or found.namespace
    return "default" if namespace == found.namespace and not found.inside else namespace


def _reach(connection: Connection, found: Installation, there: Iterable[Found], namespace: str) -> Check:
    """Whether the API server reaches us: a known-bad object, as a dry run."""
    asked = Asked(found.namespace, found.name, namespace)
    outcome = probe(connection, asked, [entry for one in there for entry in one.entries], token_hex(16))
    if outcome.denied:
        return Check(
            "reach", good=True, told="a known-bad DestinationRule was denied through the API server (a dry run)"
        )
    told = f"a known-bad DestinationRule in namespace {namespace} was not denied by us: {outcome.problem}"
    return Check(
        "reach", good=False, told=told, remedy="see the checks above; then NetworkPolicy and firewall, docs/install.md"
    )
