"""`mtls-guard doctor`: is the installation healthy, and if not, what to do."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from webhook.doctor import Check, DoctorContext, Handshake
    from webhook.kubeapi.credentials import ApiAccess

WRONG, NOT_SEEN = 1, 2
SIGNS = {True: ("ok", "green"), False: ("NO", "red"), None: ("??", "yellow")}


@click.command("doctor", short_help="Says whether an installation is healthy, and what to do if not.")
@click.option("-n", "--namespace", default="mtls-guard", show_default=True, help="Where it is installed.")
@click.option("--name", default="mtls-guard", show_default=True, help="The name of its Deployment.")
@click.option("--kubeconfig", metavar="FILE", help="[default: as kubectl finds it; in a pod, its ServiceAccount]")
@click.option("--context", metavar="NAME", help="Of the kubeconfig.  [default: the current one]")
@click.option("--connect", metavar="HOST:PORT", help="Where the webhook's port can be reached, for a handshake.")
def command(namespace: str, name: str, kubeconfig: str | None, context: str | None, connect: str | None) -> None:
    """Looks at an installation: replicas, watches, rights, clocks, entries, CA bundles, and whether it is asked.

    Every entry is compared, field by field, with what values say. Configurations that ask a Service which does not
    exist are listed with the command that deletes them. Each command that is printed can be run again.

    Exit code 0: nothing is wrong; 1: something is; 2: the cluster cannot be looked at.
    """
    from webhook.doctor import DoctorContext, examine
    from webhook.kubeapi.client import ApiClient
    from webhook.kubeapi.errors import ClusterError

    try:
        access, inside = _access(kubeconfig, context)
        found, connection = DoctorContext(namespace, name, inside=inside), ApiClient(access)
        checks = list(examine(connection, found, partial(datetime.now, UTC), _handshake(found, connect)))
    except ClusterError as error:
        click.echo(f"the cluster cannot be looked at: {error}", err=True)
        sys.exit(NOT_SEEN)
    for one in checks:
        for line in lines(one):
            click.echo(line)
    sys.exit(WRONG if any(one.good is False for one in checks) else 0)


def _access(kubeconfig: str | None, context: str | None) -> "tuple[ApiAccess, bool]":
    """Who asks, and whether that is a replica itself."""
    from webhook.kubeapi.credentials import SERVICE_ACCOUNT, from_kubeconfig, in_cluster

    if kubeconfig is None and context is None and (SERVICE_ACCOUNT / "token").is_file():
        return in_cluster(), True
    return from_kubeconfig(Path(kubeconfig) if kubeconfig else None, context), False


def _handshake(found: "DoctorContext", connect: str | None) -> "Handshake | None":
    """How to make a handshake: with ourselves from inside, which no NetworkPolicy forbids, else as told."""
    from webhook.kubeapi.tls_verification import NoAuthorities, client_context
    from webhook.serving.handshake import handshake

    service = f"{found.name}.{found.namespace}.svc"
    host, _, named = (connect or "").rpartition(":")
    if connect and not named.isdecimal():
        raise click.UsageError(f'--connect "{connect}": expected HOST:PORT')
    if not connect and not found.inside:
        return None

    def shake(bundle: bytes, port: int) -> str:
        """With the port that was named, or the one that we listen on; verified as the API server does it."""
        try:
            context = client_context(bundle)
        except NoAuthorities as error:
            return str(error)
        return handshake((host or "127.0.0.1", int(named) if named else port), service, context)

    return shake


def lines(check: "Check") -> Iterator[str]:
    """`NO  CA bundle: it does not verify what is served` and what to do."""
    from webhook.cli.output import wants_color

    sign, color = SIGNS[check.good]
    yield f"{click.style(sign, fg=color) if wants_color() else sign}  {check.name}: {check.told}"
    if check.remedy and check.good is not True:
        yield f"      {check.remedy}"
