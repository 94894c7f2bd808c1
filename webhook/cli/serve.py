"""`mtls-guard serve`: joins settings, cluster, web and server, and says what is wrong before it listens."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from webhook import logs
from webhook.settings import Address, BadSettings, Settings, read_settings
from webhook.settings.table import SETTINGS

if TYPE_CHECKING:
    from webhook.server.background import BackgroundWork, LoopTiming
    from webhook.server.live_backend import LiveBackend
    from webhook.server.manifest_backend import ManifestBackend
    from webhook.server.observability import MetricsEndpoint
    from webhook.serving.server import Hooks, ProcessSettings
    from webhook.web import ReviewObserver

    _Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def _options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds an option for each setting of the table."""
    for setting in reversed(SETTINGS):
        option = click.option(
            f"--{setting.flag}",
            multiple=setting.several,
            metavar=setting.metavar,
            help=setting.help_with_default,
        )
        function = option(function)
    return function


@click.command(
    "serve",
    short_help="The webhook: on a live cluster, or on manifests.",
    epilog="Each option can also be a variable, as MTLS_GUARD_BIND for --bind.",
)
@_options
def command(cluster: tuple[str, ...], **flags: str | None) -> None:
    """Answers AdmissionReviews over HTTPS until it is stopped; judges against a live cluster, or manifests."""
    given = {name.replace("_", "-"): value for name, value in flags.items() if value is not None}
    if cluster:
        given["cluster"] = os.pathsep.join(cluster)
    if sys.stderr.isatty() and not (given.get("log") or os.environ.get("MTLS_GUARD_LOG")):
        given["log"] = "text"
    try:
        settings = read_settings(given, os.environ)
    except BadSettings as error:
        raise click.UsageError(str(error)) from error
    serve(settings)


def serve(settings: Settings, *, pace: "LoopTiming | None" = None) -> None:
    """Reads the cluster, or begins to follow it, then listens and answers; ends the process.

    pace: how long self-managed certificates and watches live, and how often they are looked after, when not as shipped.

    Raises:
        SystemExit: with 2 and what is wrong on stderr, when it cannot start; else as gunicorn ends.
    """
    from webhook.policy import BadPolicy
    from webhook.server.background import BackgroundWork, NoClusterAccess
    from webhook.server.manifest_backend import InvalidManifests
    from webhook.server.observability import MetricsEndpoint
    from webhook.serving.server import PlainHttpService, PortTaken, Server, take_address
    from webhook.serving.tls import BadCertificate

    logs.set_up(settings.log)
    try:
        listener = take_address(settings.bind.host, settings.bind.port)
        metrics = take_address(settings.metrics.host, settings.metrics.port) if settings.metrics else None
        cluster = _cluster(settings, pace)
        beside = BackgroundWork(settings, pace)
        certificates = beside.certificates(_complain)
    except (BadCertificate, InvalidManifests, BadPolicy, NoClusterAccess, PortTaken) as error:
        click.echo(f"mtls-guard serve: {error}", err=True)
        sys.exit(2)
    shown = MetricsEndpoint(metrics, cluster, certificates, beside)
    journal = _journal(shown)
    app = _app(settings, cluster, beside, journal)
    hooks = _hooks(cluster, beside, Address(settings.bind.host, listener.getsockname()[1]))
    hooks = replace(hooks, meter=shown.meter(journal), watch=shown.watch)
    Server(PlainHttpService(listener, app), certificates, _process(settings), hooks, shown.services).run()


def _hooks(cluster: "ManifestBackend | LiveBackend", beside: "BackgroundWork", address: Address) -> "Hooks":
    """What is called when the server starts and ends."""
    from webhook.server.backend import in_turn
    from webhook.serving.server import Hooks

    return Hooks(
        started=partial(_announce, address, cluster.told()),
        working=in_turn(cluster.start, beside.start),
        ended=in_turn(beside.end, cluster.end),
        waits=cluster.waits,
        tell=partial(logs.tell, level=logging.WARNING),
    )


def _process(settings: Settings) -> "ProcessSettings":
    """How the server process is cut."""
    from webhook.serving.limits import ConnectionLimits
    from webhook.serving.server import ProcessSettings
    from webhook.web import MAX_BODY_BYTES

    limits = ConnectionLimits(
        settings.connections, settings.peer_connections, settings.queue, body_bytes=MAX_BODY_BYTES
    )
    return ProcessSettings(settings.workers, settings.threads, settings.drain, settings.linger, limits)


def _journal(shown: "MetricsEndpoint") -> "ReviewObserver":
    """Who is told of what is answered; of the leader's probes none."""
    from webhook.server.backend import JournalGroup
    from webhook.server.probe_response import ProbeFilter

    return ProbeFilter(JournalGroup([logs.RequestLog(), *shown.journals]))


def _app(
    settings: Settings, cluster: "ManifestBackend | LiveBackend", beside: "BackgroundWork", journal: "ReviewObserver"
) -> "_Wsgi":
    """What answers: reviews from the cluster, the leader's probes for this installation."""
    from webhook.server.backend import deciding
    from webhook.server.probe_response import ProbeResponder
    from webhook.web import create_app

    judge = deciding(cluster.judge, admits=settings.not_judged == "Admit")
    mutate = deciding(cluster.mutate, admits=settings.mutate_not_judged == "Admit")
    probed = ProbeResponder(settings.installation, judge, mutate)
    return create_app(probed.judge, cluster.waits, journal, probed.mutate, beside.waits)


def _cluster(settings: Settings, pace: "LoopTiming | None") -> "ManifestBackend | LiveBackend":
    """What is judged against: the manifests that were named, else a live cluster."""
    if settings.cluster:
        from webhook.server.manifest_backend import embed

        return embed(map(str, settings.cluster), str(settings.policy) if settings.policy else None)
    from webhook.server.live_backend import LiveBackend

    return LiveBackend(settings, pace.watch_seconds) if pace else LiveBackend(settings)


def _announce(address: Address, told: Mapping[str, object]) -> None:
    """Says where we are, as soon as a connection would be answered."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    logs.tell("serving", {"url": f"https://{host}:{address.port}/validate", **told})


def _complain(problem: str) -> None:
    """Says that a renewed certificate cannot serve, while the old one does."""
    logs.tell("renewed certificate refused, the old one stays", {"problem": problem}, logging.ERROR)
