"""keyturn merge-file: git's merge driver for manifests."""

from pathlib import Path

import click

from keyturn.cli import exit_codes
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith

_VERSION = click.Path(path_type=Path)


@click.command("merge-file")
@click.argument("base", type=_VERSION)
@click.argument("ours", type=_VERSION)
@click.argument("theirs", type=_VERSION)
@click.argument("path", type=click.Path(path_type=Path))
@click.pass_obj
def merge_file_command(color: bool, /, base: Path, ours: Path, theirs: Path, path: Path) -> None:
    """Merge two versions of a manifest, as git's merge driver.

    git calls it with the versions BASE, OURS and THEIRS of the file at PATH; the result replaces OURS.
    Plain parts are merged as text, secrets by key, and the file is encrypted with a valid MAC. Exits 1
    with conflict markers if both sides changed the same, if one side moved the destination and the
    other set a secret, and without a key.

    To use it, write `manifests/** merge=keyturn` into .gitattributes, and set the git setting
    merge.keyturn.driver to `keyturn merge-file %O %A %B %P` in each clone.

    \b
    Examples:
      keyturn merge-file base ours theirs manifests/prod/credentials/prod-db.yaml
      keyturn merge-file .merge_file_a .merge_file_b .merge_file_c keyturn.yaml
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.operations.secrets.merge_manifest import MergeVersions, merge_manifest
        from keyturn.views.escaping import escape_line

        try:
            versions = MergeVersions(base.read_bytes(), ours.read_bytes(), theirs.read_bytes())
        except OSError as error:
            raise click.UsageError(f"cannot read {error.filename}: {error.strerror}") from None
        merged = merge_manifest(path.parent, path.absolute(), versions, read_environment())
        ours.write_bytes(merged.text.encode())
        for conflict in merged.conflicts:
            click.echo(f"conflict in {escape_line(str(path))}: {escape_line(conflict)}", err=True)
        if merged.conflicts:
            click.echo(
                "To resolve it, take one side (git checkout --ours FILE, or --theirs), repeat the change of "
                "the other side with `keyturn secret set` or an editor, and `git add` the file.",
                err=True,
            )
            raise ExitWith(exit_codes.EXIT_ERROR)
