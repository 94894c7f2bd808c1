"""Writes lines to the terminal or the pipe behind a command."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence

import click

from webhook.model.printable import cut
from webhook.model.source_location import Unreadable

NOTES_SHOWN = 5
WIDEST = 2000


def emit(lines: Iterable[str]) -> None:
    """Writes the lines to standard output; a reader that has seen enough (`| head`) is no error.

    What is not read is still produced, so that the exit code stays what it is.
    """
    out = sys.stdout
    try:
        for line in lines:
            out.write(f"{line}\n")
        out.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())  # what Python flushes at its end goes there, too


def tell(unreadable: Iterable[Unreadable], notes: Sequence[str]) -> None:
    """Says on standard error what of the input could not be read, and what is to be noted about it."""
    for one in unreadable:
        click.echo(cut(str(one), WIDEST), err=True)
    for line in notes[:NOTES_SHOWN]:
        click.echo(cut(f"note: {line}", WIDEST), err=True)
    if len(notes) > NOTES_SHOWN:
        click.echo(f"note: and {len(notes) - NOTES_SHOWN} more", err=True)


def wants_color() -> bool:
    """Whether standard output is a terminal that shows colours. NO_COLOR and FORCE_COLOR decide where they are set.

    Source: no-color.org and force-color.org; an empty value counts as not set.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """The width of the terminal behind standard output, None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
