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

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity

DEMO_ORGANIZATION = "org_01jq8demo"
"""The organization of the demo's workspace."""


class DemoRunner(Struct, frozen=True):
    """Where the story is told. ``remote`` steers the emulator as people in the UI would."""

    folder: Path
    environment: Mapping[str, str]
    base_url: str
    control_client: Any
    color: bool

    def print_step(self, text: str) -> None:
        """Print a line of the story."""
        click.echo("\n" + click.style(f"# {text}", fg="cyan") if self.color else f"\n# {text}")

    def run_command(self, command: str, expect: int = 0, stdin: str = "") -> None:
        """Print a command, run it in the folder, and print what it says; raises where it ends otherwise."""
        shown = f"$ {command}"
        click.echo(click.style(shown, bold=True) if self.color else shown)
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
def open_demo(folder: Path, color: bool) -> Iterator[DemoRunner]:
    """Set the stage in ``folder``, and clear the emulator away afterwards; raises Faulty KT042."""
    if find_spec("planasonix_emulator") is None or find_spec("uvicorn") is None:
        raise DiagnosticError(_missing_emulator())
    from planasonix_emulator.testing.control_client import ControlClient

    key, token = "plnx_live_" + secrets.token_hex(12), secrets.token_hex(12)
    arguments = ["--organization", DEMO_ORGANIZATION, "--key", key, "--control", token]
    with subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "planasonix_emulator", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ.get("PATH", os.defpath)},
    ) as server:
        try:
            base_url = _read_address(server)
            environment = _build_environment(folder, key, color)
            repository = folder / "repository"
            repository.mkdir(exist_ok=True)
            yield DemoRunner(repository, environment, base_url, ControlClient(base_url, token), color)
        finally:
            server.terminate()


def _read_address(server: "subprocess.Popen[str]") -> str:
    for line in server.stdout or ():
        if line.startswith("listening on "):
            return line.removeprefix("listening on ").strip()
    raise click.ClickException("the emulator did not start")


def _build_environment(folder: Path, key: str, color: bool) -> dict[str, str]:
    told = {"FORCE_COLOR": "1"} if color else {"NO_COLOR": "1"}
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder),
        "SOPS_AGE_KEY_FILE": str(folder / "age-key.txt"),
        "PLANASONIX_API_KEY": key,
        "COLUMNS": os.environ.get("COLUMNS", "100"),
        **told,
    }


def _missing_emulator() -> Diagnostic:
    return Diagnostic(
        code="KT042",
        severity=Severity.ERROR,
        message="the demo needs the emulator, which is not installed",
        origin=SourceLocation("keyturn demo"),
        hint="install it with: pip install 'keyturn[emulator,sops]'",
    )


LAKE_CREDENTIAL = """\
kind: credential
name: prod-lake
type: aws
labels: {environment: prod, system: lake, owner: data-platform}
config:
  role_arn: arn:aws:iam::123456789012:role/planasonix-reader
  region: eu-central-1
"""

LAKE_CONNECTION = """\
kind: connection
name: prod-lake
type: s3
labels: {environment: prod, system: lake, owner: data-platform}
credential: prod-lake
config:
  bucket: acme-landing
  region: eu-central-1
"""


def run_demo(folder: Path, color: bool) -> None:
    """Tell the whole story in ``folder``; raises where a command does not end as it should."""
    with open_demo(folder, color) as scene:
        _show_setup(scene)
        _show_drift(scene)
        _show_rotation(scene)
        _show_retirement(scene)
        scene.print_step("That was the whole story. Yours begins with: keyturn init")


def _show_setup(scene: DemoRunner) -> None:
    scene.print_step("A new repository: an age key, rules, one credential with its connection")
    scene.run_command(f"keyturn init . --organization {DEMO_ORGANIZATION} --base-url {scene.base_url}")
    scene.print_step("A role for the data lake needs no secret at all; one more connection uses it")
    (scene.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE_CREDENTIAL)
    (scene.folder / "manifests/prod/connections/prod-lake.yaml").write_text(LAKE_CONNECTION)
    scene.print_step("The warehouse's password, from wherever you keep it, straight into SOPS")
    _set_database_passwords(scene, "first-password")
    scene.run_command(
        "pass show warehouse | keyturn secret set prod-warehouse password", stdin="first-password"
    )
    scene.run_command("keyturn validate")
    scene.run_command("keyturn plan")
    scene.run_command("keyturn apply --auto-approve")
    scene.print_step("Nothing is left to do, and no key is needed to know it")
    scene.run_command("keyturn plan --detailed-exitcode")


def _show_drift(scene: DemoRunner) -> None:
    scene.print_step("Somebody edits the connection in the UI")
    scene.control_client.edit_in_ui("connections", "prod-warehouse", config={"database": "scratch"})
    scene.run_command("keyturn plan --detailed-exitcode", expect=2)
    scene.run_command("keyturn apply --auto-approve")


def _show_rotation(scene: DemoRunner) -> None:
    scene.print_step(
        "A new password, with a typing mistake: it is tried on a probe before anything in use is touched"
    )
    scene.run_command(
        "pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="secnod-password"
    )
    scene.run_command("keyturn apply --auto-approve", expect=1)
    scene.print_step("The right one, which the database knows beside the old")
    _set_database_passwords(scene, "first-password", "second-password")
    scene.run_command(
        "pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="second-password"
    )
    scene.run_command("keyturn apply --auto-approve")


def _show_retirement(scene: DemoRunner) -> None:
    scene.print_step("The lake is no longer needed: its manifests go")
    scene.run_command(
        "rm manifests/prod/credentials/prod-lake.yaml manifests/prod/connections/prod-lake.yaml"
    )
    scene.run_command("keyturn apply --auto-approve", expect=5)
    scene.print_step("Two of four at once is more than the budget allows without a word; here is the word")
    scene.run_command("keyturn apply --auto-approve --allow-retire 2")
    scene.print_step("It was needed after all: the manifests come back, and so does the same object")
    (scene.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE_CREDENTIAL)
    (scene.folder / "manifests/prod/connections/prod-lake.yaml").write_text(LAKE_CONNECTION)
    scene.run_command("keyturn apply --auto-approve")
    scene.run_command("keyturn plan")


def _set_database_passwords(scene: DemoRunner, *passwords: str) -> None:
    warehouse = {
        "type": "postgres",
        "match": {"host": "db.example.com"},
        "accepts": {"password": list(passwords)},
        "server_version": "PostgreSQL 16.4",
    }
    scene.control_client.set_targets([warehouse])
