"""Every setting of the server: its flag, its variable, its default, and what it is for."""

from collections.abc import Iterator

from webhook.settings.table import SETTINGS


def pages() -> Iterator[tuple[str, str]]:
    """`settings.md`."""
    yield "settings.md", "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from (
        "# Settings of the server",
        "",
        "`mtls-guard serve` takes each as a flag or as a variable; a flag wins.",
    )
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "none"
        yield from ("", f"## --{setting.flag}", "", f"Variable `{setting.variable}`. Default: {default}.", "")
        yield setting.help
