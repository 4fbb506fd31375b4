"""keyturn completion: the tab key."""

import click

from keyturn.cli.doors import error_boundary


@click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion_command(ctx: click.Context, /, shell: str) -> None:
    """Print what makes a shell complete commands, options and names.

    Names of resources, workspaces, fields and codes are read from the files around: without any key,
    and without the network.

    \b
    Examples:
      keyturn completion bash >> ~/.bashrc
      keyturn completion zsh > "${fpath[1]}/_keyturn"
      keyturn completion fish > ~/.config/fish/completions/keyturn.fish
    """
    with error_boundary(bool(ctx.obj)):
        from click.shell_completion import get_completion_class

        found = get_completion_class(shell)
        if found is None:
            raise click.UsageError(f"{shell} is not known")
        click.echo(found(ctx.find_root().command, {}, "keyturn", "_KEYTURN_COMPLETE").source().rstrip("\n"))
