"""keyturn demo: a demonstration in a temporary folder, with real sops and the bundled emulator."""

from pathlib import Path

import click

from keyturn.cli.errors import error_boundary


@click.command("demo")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    metavar="FOLDER",
    help="Run in FOLDER and keep it.",
)
@click.pass_obj
def demo_command(color: bool, /, keep: Path | None) -> None:
    """Show what keyturn does, in under a minute.

    Creates, drift, a failed rotation, a successful one, a retire and a restore. sops and the server are
    real; the API is the bundled emulator on loopback. Only a temporary folder is changed.

    \b
    Examples:
      keyturn demo
      keyturn demo --keep story           keeps the folder
    """
    with error_boundary(color):
        import tempfile

        from keyturn.cli.demo.scenario import run_demo

        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            run_demo(keep.resolve(), color)
            return
        with tempfile.TemporaryDirectory(prefix="keyturn-demo-") as folder:
            run_demo(Path(folder), color)
