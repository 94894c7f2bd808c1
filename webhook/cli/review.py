"""`mtls-guard review`: answers one stored AdmissionReview as the server would."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from webhook.admission.wire import Review
from webhook.cli.options import at_option, policy_option
from webhook.model.finding import Severity
from webhook.model.request import Request


@click.command("review", short_help="Answers a stored AdmissionReview as the server would.")
@click.argument("file")
@click.option(
    "--cluster", "cluster", multiple=True, required=True, metavar="PATH", help="The manifests to judge against."
)
@policy_option
@at_option
@click.option(
    "-o",
    "output",
    type=click.Choice(("json", "text")),
    default="json",
    help="json: the AdmissionReview; text: kubectl's words.",
)
def command(file: str, cluster: tuple[str, ...], policy: str | None, at: datetime | None, output: str) -> None:
    """Answers the AdmissionReview in FILE (- is stdin) as the server would.

    Exit code 0: allowed; 1: denied; 2: the review, the cluster or the policy cannot be read.
    """
    from webhook.admission import BadReview, read_review, respond
    from webhook.policy import BadPolicy
    from webhook.server.manifest_backend import InvalidManifests, embed

    try:
        request = read_review(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
        judge = embed(cluster, policy).judge_at(at or datetime.now(UTC))
    except OSError as error:
        _stop(f"{file}: cannot be read: {error.strerror or error}")
    except BadReview as error:
        _stop(f"{file}: {error}")
    except (InvalidManifests, BadPolicy) as error:
        _stop(str(error))
    verdict, reply = respond(request, judge, lambda error: click.echo(f"internal error: {error!r}", err=True))
    click.echo(_written(request, reply, file, output))
    sys.exit(1 if verdict.severity is Severity.DENY else 0)


def _written(request: Request, reply: Review, file: str, output: str) -> str:
    """The answer as it is printed."""
    import orjson

    from webhook.admission.kubectl_output import screen

    if output == "text":
        return "\n".join(screen(request, reply, file))
    return orjson.dumps(reply, option=orjson.OPT_INDENT_2).decode()


def _stop(problem: str) -> NoReturn:
    """Says what cannot be judged, and ends with 2."""
    for line in problem.splitlines():
        click.echo(f"mtls-guard review: {line}", err=True)
    sys.exit(2)
