"""The entry of the command `mtls-guard`: runs the command line, and says with an exit code how it ended."""

import sys
from contextlib import suppress

STOPPED = 130
"""What shells give to a command that Ctrl-C stopped."""
WRONG = 2
"""What a command line that cannot be understood gives, as every command here gives what could not be judged."""


def run() -> None:
    """Runs the command that the process was started with, and ends the process."""
    with suppress(ImportError):  # no such limits on Windows
        from webhook.serving.core_dumps import forbid_dumps

        forbid_dumps()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode gets escapes, not a traceback
    try:
        sys.exit(_invoke())
    except KeyboardInterrupt:
        sys.exit(STOPPED)


def _invoke() -> int:
    """The exit code of the command."""
    import click

    from webhook.cli import group

    try:
        return group.main(prog_name="mtls-guard", standalone_mode=False) or 0
    except click.Abort:  # what click makes of Ctrl-C
        return STOPPED
    except click.ClickException as fault:
        fault.show()
        return WRONG
