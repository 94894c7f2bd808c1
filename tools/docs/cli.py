"""The command line as its own help tells it."""

from collections.abc import Iterator
from typing import Any

import click

from webhook.cli import COMMANDS, group

WIDTH = 110


def pages() -> Iterator[tuple[str, str]]:
    """`cli.md`."""
    yield "cli.md", "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from ("# The command line", "")
    wide: dict[str, Any] = {"resilient_parsing": True, "max_content_width": WIDTH, "terminal_width": WIDTH}
    top = group.make_context("mtls-guard", [], **wide)
    yield from _help(group, top)
    for name in COMMANDS:
        command = group.get_command(top, name)
        if command is None:
            raise LookupError(f"{name} is listed among the commands, and is none")
        yield from ("", f"## mtls-guard {name}", "")
        yield from _help(command, command.make_context(name, [], top, **wide))


def _help(command: click.Command, context: click.Context) -> Iterator[str]:
    text = command.get_help(context)
    yield from ("```text", *(line.rstrip() for line in text.splitlines()), "```")
