"""Says of an installation whether it is healthy, link by link, with a remedy for each thing that is wrong.

Only looks: what it creates, it creates as a dry run. A handshake with what is served is made by whoever is handed in.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from webhook.doctor.ca_bundles import check_bundles
from webhook.doctor.cert_manager import check_certificate
from webhook.doctor.check import Check, DoctorContext, Handshake
from webhook.doctor.clocks import check_clocks
from webhook.doctor.container import container_of, flag_of, ports_of
from webhook.doctor.dry_run import check_reach
from webhook.doctor.istio_crds import check_istio
from webhook.doctor.orphaned_configurations import check_orphans
from webhook.doctor.rbac import check_rights
from webhook.doctor.replicas import check_replicas, deployment_of, missing
from webhook.doctor.services import check_service
from webhook.doctor.webhook_configurations import check_entries, compared, read_values
from webhook.informer.discovery import discover
from webhook.informer.watched_kinds import watched_kinds
from webhook.kubeapi.client import ApiClient
from webhook.model.raw_object import Manifest, dig, mapping, text
from webhook.policy import Policy

__all__ = ["Check", "DoctorContext", "Handshake", "examine"]


def examine(
    connection: ApiClient, found: DoctorContext, now: Callable[[], datetime], handshake: Handshake | None
) -> Iterator[Check]:
    """Every check, in the order in which a fault of one explains those after it.

    Raises:
        ClusterUnavailable: the API server does not answer at all.
    """
    deployment = deployment_of(connection, found)
    if deployment:
        yield from _examine(connection, _as_deployed(found, deployment), deployment, now, handshake)
    else:
        yield missing(found)
    own = (found.name, found.enforcing, found.injecting, found.last) if deployment else ()
    yield from check_orphans(connection, own)


def _examine(
    connection: ApiClient,
    found: DoctorContext,
    deployment: Manifest,
    now: Callable[[], datetime],
    handshake: Handshake | None,
) -> Iterator[Check]:
    """The checks of an installation that is there."""
    served = discover(connection, watched_kinds(Policy()))
    istio, values = check_istio(served), read_values(connection, found)
    pairs = compared(connection, values.stated) if values.stated else []
    certificate = check_certificate(connection, found, deployment, served)
    checks = [*check_replicas(connection, found, deployment), istio, check_service(connection, found, deployment)]
    checks += [certificate] if certificate else []
    checks.append(check_rights(connection, found, served.values()))
    checks += check_clocks(connection, found, now, checks)
    before = tuple(checks)
    checks += check_entries(found, values, pairs, before)
    checks += check_bundles(found, pairs, handshake, before)
    yield from checks
    if istio.good and pairs:
        entries = [entry for pair in pairs for entry in pair.entries]
        yield check_reach(connection, found, _tried_in(found, deployment), entries, checks)


def _as_deployed(found: DoctorContext, deployment: Manifest) -> DoctorContext:
    """With what the Deployment says of it."""
    spec = mapping(dig(deployment, "spec", "template", "spec"))
    port = ports_of(container_of(spec)).get("webhook", found.port)
    return replace(found, account=text(spec.get("serviceAccountName")) or found.name, port=port)


def _tried_in(found: DoctorContext, deployment: Manifest) -> str:
    """Where the probe is tried: as the replicas do; where they alone are asked about, any other namespace."""
    container = container_of(mapping(dig(deployment, "spec", "template", "spec")))
    namespace = flag_of(container, "probe-namespace") or found.namespace
    return "default" if namespace == found.namespace and not found.inside else namespace
