"""The command line: one module for each command, imported when it is called."""

from importlib import import_module

import click

from webhook import __version__

COMMANDS = ("check", "explain", "inject", "review", "serve", "doctor")


class LazyGroup(click.Group):
    """A group whose commands stand in modules of their name, each as `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order in which a new user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"webhook.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments call; a misspelt one is answered with its neighbour."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            guess = f' Did you mean "{near[0]}"?' if near else f" There are: {', '.join(COMMANDS)}."
            ctx.fail(f'No such command "{args[0]}".{guess}')
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", prog_name="mtls-guard", message="%(prog)s %(version)s")
def group() -> None:
    """Follows the chain of Istio sidecar mTLS, from DestinationRule to certificate, and says which link is broken."""
