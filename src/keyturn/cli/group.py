"""Groups of commands: without a command they explain themselves, and a misspelt one is guessed."""

import click

from keyturn.cli import status


class SuggestingGroup(click.Group):
    """A group that helps whoever names no command, or one that there is not; both end with 64."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the group's own options; nothing at all is answered with the help on the error stream."""
        if not args and not ctx.resilient_parsing:
            click.echo(self.get_help(ctx), err=True)
            ctx.exit(status.EXIT_USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant; raises UsageError with the nearest name."""
        name = args[0]
        if not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            import difflib

            near = difflib.get_close_matches(name, self.list_commands(ctx), 1, 0.5)
            meant = f"; did you mean {near[0]}?" if near else ""
            ctx.fail(f"there is no command {name!a}{meant}")
        return super().resolve_command(ctx, args)
