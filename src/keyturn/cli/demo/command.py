"""keyturn demo: the whole story on a temporary folder, with real sops and a real server."""

from pathlib import Path

import click

from keyturn.cli.errors import error_boundary


@click.command("demo")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    metavar="FOLDER",
    help="Tell the story in FOLDER and leave it there.",
)
@click.pass_obj
def demo_command(color: bool, /, keep: Path | None) -> None:
    """Watch keyturn do its work, in under a minute.

    Create, drift, a refused rotation, a good one, retire, restore. Everything is real but the vendor:
    the API is the bundled emulator on loopback. Nothing outside the temporary folder is touched.

    \b
    Examples:
      keyturn demo
      keyturn demo --keep story           leaves the folder for a look around
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
