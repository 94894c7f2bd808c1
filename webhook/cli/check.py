"""`mtls-guard check`: judges manifests as the webhook would, and tells every finding with its file and line."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.options import at_option, complete_option, live_options, policy_option
from webhook.report import FORMATS

if TYPE_CHECKING:
    from webhook.input.manifest_input import ManifestInput
    from webhook.model.finding import Verdict
    from webhook.report.check_result import CheckResult

FOUND, NOT_JUDGED = 1, 2


@click.command("check", short_help="Judges manifests as the webhook would.")
@click.argument("paths", nargs=-1, metavar="PATH...")
@complete_option
@live_options
@at_option
@policy_option
@click.option(
    "--fail-on", type=click.Choice(("deny", "warn")), default="deny", show_default=True, help="What exits with 1."
)
@click.option(
    "-o", "--output", type=click.Choice(FORMATS), default="text", show_default=True, help="How findings are written."
)
def command(  # noqa: PLR0913 - click hands over each option as an argument
    paths: tuple[str, ...],
    *,
    complete: bool,
    at: datetime | None,
    policy: str | None,
    fail_on: str,
    output: str,
    **live: Any,
) -> None:
    """Judges the manifests in each PATH: a file, a folder, or - for standard input.

    Without --complete, what is not in the input may exist elsewhere, and is warned about at most. With --live the
    rest is the cluster of the kubeconfig; without any PATH, all of that cluster is judged.

    Exit code 0: no finding at or above --fail-on; 1: at least one; 2: something could not be judged.
    """
    from webhook.cli.output import emit, tell
    from webhook.input.garbage_collection import seldom_collected
    from webhook.input.live_input import UnreadableCluster
    from webhook.model.finding import Severity
    from webhook.policy import BadPolicy
    from webhook.report import render

    asked = _CheckRequest(paths, policy, at or datetime.now(UTC), complete, live["namespace"] or "")
    if not (paths or live["live"]):
        raise click.UsageError("name a PATH, or the cluster with --live")
    with seldom_collected():
        try:
            outcome, notes = _judge_live(asked, live) if live["live"] else _judge(asked)
        except (BadPolicy, UnreadableCluster) as refused:
            click.echo(str(refused), err=True)
            sys.exit(NOT_JUDGED)
        tell(outcome.unreadable, notes)
        emit(render(outcome, output))
    if outcome.unreadable:
        sys.exit(NOT_JUDGED)
    sys.exit(FOUND if outcome.severity >= Severity[fail_on.upper()] else 0)


@dataclass(frozen=True, slots=True)
class _CheckRequest:
    """What is to be judged, by which policy file, as of when, whether the input is everything, and whose it is."""

    paths: Sequence[str]
    policy_file: str | None
    at: datetime
    complete: bool
    namespace: str


def _judge(asked: _CheckRequest) -> "tuple[CheckResult, Sequence[str]]":
    """What the run came to, and what is to be noted about the input.

    Raises:
        BadPolicy: the policy file cannot be used.
    """
    from webhook.engine import judgements
    from webhook.input.manifest_input import read_input
    from webhook.input.parallel import shared
    from webhook.input.policy_file import read_policy
    from webhook.rules import catalogue

    policy = read_policy(asked.policy_file, tuple(catalogue()))
    held = read_input(asked.paths, policy, complete=asked.complete, namespace=asked.namespace)
    return _outcome(asked, held, shared(judgements(held.view, policy, asked.at))), held.notes


def _judge_live(asked: _CheckRequest, options: Mapping[str, Any]) -> "tuple[CheckResult, Sequence[str]]":
    """The same about a running cluster. What the caller may not read is told, and makes the view a partial one.

    Raises:
        BadPolicy: the policy file cannot be used.
        NoCluster: the cluster cannot be read.
    """
    from webhook.engine import judgements
    from webhook.input.live_input import ClusterTarget, read_live
    from webhook.input.parallel import shared
    from webhook.input.policy_file import read_policy
    from webhook.rules import catalogue

    policy = read_policy(asked.policy_file, tuple(catalogue()))
    target = ClusterTarget(options["kubeconfig"], options["context"], asked.namespace)
    live = read_live(asked.paths, policy, target)
    for line in live.unread:
        click.echo(f"not read: {line}", err=True)
    judged = shared(judgements(live.held.view, policy, asked.at))
    outcome = _outcome(asked, live.held, (one for one in judged if live.concerns(one.subject)))
    return replace(outcome, partial=bool(live.unread)), live.held.notes


def _outcome(asked: _CheckRequest, held: "ManifestInput", verdicts: Iterable["Verdict"]) -> "CheckResult":
    """What was asked, what was read and the verdicts, as they are shown."""
    from webhook.cli.output import columns, wants_color
    from webhook.report.check_result import CheckResult
    from webhook.rules import catalogue

    return CheckResult(asked.at, tuple(verdicts), held.unreadable, held.locate, catalogue(), wants_color(), columns())
