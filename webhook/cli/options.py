"""Options that several commands take."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?)?")
_DATE_LENGTH = len("2027-03-01")


class Instant(click.ParamType[datetime]):
    """A date, `2027-03-01`, which begins in UTC, or an instant with its zone as RFC 3339 writes it."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant in UTC; fails with what to write instead."""
        if isinstance(value, datetime):
            return value
        form = _TIME.fullmatch(value)
        if form is None:
            self.fail(f'"{value}" is no time; write 2027-03-01 or 2027-03-01T12:00:00Z', param, ctx)
        if len(value) > _DATE_LENGTH and not form["zone"]:
            self.fail(f'"{value}" names no time zone; write {value}Z for UTC', param, ctx)
        try:
            read = datetime.fromisoformat(value.upper())
            return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as fault:
            self.fail(f'"{value}" is no time of the calendar: {fault}', param, ctx)


at_option = click.option(
    "--at", type=Instant(), metavar="TIME", help="Judge as of then, as 2027-03-01.  [default: now]"
)
policy_option = click.option(
    "--policy", metavar="FILE", help="A file that says which rules are off, warn or deny, and how early expiry counts."
)
complete_option = click.option(
    "--complete", is_flag=True, help="The input is the whole cluster: what is not in it does not exist."
)


def live_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --live, and which cluster that is."""
    for option in (
        click.option(
            "-n",
            "--namespace",
            metavar="NAMESPACE",
            help="Of objects that name none, as in kubectl; with --live, look into it only.  [default: as in kubectl]",
        ),
        click.option("--context", metavar="NAME", help="With --live: of the kubeconfig.  [default: the current one]"),
        click.option("--kubeconfig", metavar="FILE", help="With --live.  [default: as kubectl finds it]"),
        click.option("--live", is_flag=True, help="Judge the cluster of the kubeconfig, with the PATHs laid over it."),
    ):
        command = option(command)
    return command
