"""The stage of the demo: a folder, an emulator in a process of its own, and commands that are shown.

The one place beside ``load`` that starts processes: it runs what it prints, as a user would.
"""

import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity

ORGANIZATION = "org_01jq8demo"
"""The organization of the demo's workspace."""


class Stage(Struct, frozen=True):
    """Where the story is told. ``remote`` steers the emulator as people in the UI would."""

    folder: Path
    environment: Mapping[str, str]
    base_url: str
    remote: Any
    colour: bool

    def say(self, text: str) -> None:
        """Print a line of the story."""
        click.echo("\n" + click.style(f"# {text}", fg="cyan") if self.colour else f"\n# {text}")

    def run(self, command: str, expect: int = 0, stdin: str = "") -> None:
        """Print a command, run it in the folder, and print what it says; raises where it ends otherwise."""
        shown = f"$ {command}"
        click.echo(click.style(shown, bold=True) if self.colour else shown)
        words = shlex.split(command.rpartition("| ")[2])
        program = [sys.executable, "-m", "keyturn"] if words[0] == "keyturn" else words[:1]
        done = subprocess.run(  # noqa: S603  # the demo's own words
            [*program, *words[1:]],
            cwd=self.folder,
            env=dict(self.environment),
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.stdout:
            click.echo(done.stdout.rstrip("\n"))
        if done.returncode != expect:
            raise click.ClickException(f"the story ended here: exit {done.returncode}, not {expect}")
        if expect:
            click.echo(f"(exit {expect})")


@contextmanager
def stage(folder: Path, colour: bool) -> Iterator[Stage]:
    """Set the stage in ``folder``, and clear the emulator away afterwards; raises Faulty KT042."""
    if find_spec("planasonix_emulator") is None or find_spec("uvicorn") is None:
        raise Faulty(_missing())
    from planasonix_emulator.testing.control_client import ControlClient

    key, token = "plnx_live_" + secrets.token_hex(12), secrets.token_hex(12)
    arguments = ["--organization", ORGANIZATION, "--key", key, "--control", token]
    with subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "planasonix_emulator", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ.get("PATH", os.defpath)},
    ) as server:
        try:
            base_url = _address(server)
            environment = _environment(folder, key, colour)
            repository = folder / "repository"
            repository.mkdir(exist_ok=True)
            yield Stage(repository, environment, base_url, ControlClient(base_url, token), colour)
        finally:
            server.terminate()


def _address(server: "subprocess.Popen[str]") -> str:
    for line in server.stdout or ():
        if line.startswith("listening on "):
            return line.removeprefix("listening on ").strip()
    raise click.ClickException("the emulator did not start")


def _environment(folder: Path, key: str, colour: bool) -> dict[str, str]:
    told = {"FORCE_COLOR": "1"} if colour else {"NO_COLOR": "1"}
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder),
        "SOPS_AGE_KEY_FILE": str(folder / "age-key.txt"),
        "PLANASONIX_API_KEY": key,
        "COLUMNS": os.environ.get("COLUMNS", "100"),
        **told,
    }


def _missing() -> Diagnostic:
    return Diagnostic(
        code="KT042",
        severity=Severity.ERROR,
        message="the demo needs the emulator, which is not installed",
        origin=Origin("keyturn demo"),
        hint="install it with: pip install 'keyturn[emulator,sops]'",
    )
