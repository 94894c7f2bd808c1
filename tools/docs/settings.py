"""Every setting of the server: its flag, its variable, its default, and what it is for."""

from collections.abc import Iterator

import click

from webhook.cli.serve import command
from webhook.settings import described


def pages() -> Iterator[tuple[str, str]]:
    """`settings.md`."""
    yield "settings.md", "\n".join(_lines())


def _lines() -> Iterator[str]:
    helps = {option.name: option.help or "" for option in command.params if isinstance(option, click.Option)}
    yield from (
        "# Settings of the server",
        "",
        "`mtls-guard serve` takes each as a flag or as a variable; a flag wins.",
    )
    for setting in described():
        default = f"`{setting.default}`" if setting.default else "none; it is required" if setting.required else "none"
        yield from ("", f"## --{setting.flag}", "")
        yield f"Variable `{setting.variable}`. Default: {default}."
        yield ""
        yield helps[setting.flag.replace("-", "_")].partition("  [default")[0]
