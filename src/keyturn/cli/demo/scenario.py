"""The demo: a folder, an emulator in its own process, and the commands that are printed and run."""

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
    """Prints and runs the commands of the demo. ``control_client`` edits objects as users of the UI do."""

    folder: Path
    environment: Mapping[str, str]
    base_url: str
    control_client: Any
    color: bool

    def print_step(self, text: str) -> None:
        """Print a comment between two commands."""
        click.echo("\n" + click.style(f"# {text}", fg="cyan") if self.color else f"\n# {text}")

    def run_command(self, command: str, expect: int = 0, stdin: str = "") -> None:
        """Print a command, run it in the folder and print its output; raises if the exit code differs."""
        shown = f"$ {command}"
        click.echo(click.style(shown, bold=True) if self.color else shown)
        words = shlex.split(command.rpartition("| ")[2])
        program = [sys.executable, "-m", "keyturn"] if words[0] == "keyturn" else words[:1]
        done = subprocess.run(  # noqa: S603  # the commands are constants of this module
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
            raise click.ClickException(f"the demo stopped: exit {done.returncode}, expected {expect}")
        if expect:
            click.echo(f"(exit {expect})")


@contextmanager
def open_demo(folder: Path, color: bool) -> Iterator[DemoRunner]:
    """Start the emulator for a demo in ``folder``, and stop it at the end; raises DiagnosticError KT042."""
    if find_spec("planasonix_emulator") is None or find_spec("uvicorn") is None:
        raise DiagnosticError(_missing_emulator())
    from planasonix_emulator.testing.control_client import ControlClient

    key, token = "plnx_live_" + secrets.token_hex(12), secrets.token_hex(12)
    arguments = ["--organization", DEMO_ORGANIZATION, "--key", key, "--control", token]
    with subprocess.Popen(  # noqa: S603  # the bundled emulator
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
    color_setting = {"FORCE_COLOR": "1"} if color else {"NO_COLOR": "1"}
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder),
        "SOPS_AGE_KEY_FILE": str(folder / "age-key.txt"),
        "PLANASONIX_API_KEY": key,
        "COLUMNS": os.environ.get("COLUMNS", "100"),
        **color_setting,
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
    """Run the demo in ``folder``; raises if a command exits with an unexpected code."""
    with open_demo(folder, color) as demo:
        _show_setup(demo)
        _show_drift(demo)
        _show_rotation(demo)
        _show_retirement(demo)
        demo.print_step("End of the demo. To start your own repository: keyturn init")


def _show_setup(demo: DemoRunner) -> None:
    demo.print_step("A new repository: an age key, creation rules, one credential with its connection")
    demo.run_command(f"keyturn init . --organization {DEMO_ORGANIZATION} --base-url {demo.base_url}")
    demo.print_step("A role for the data lake needs no secret; a second connection uses it")
    (demo.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE_CREDENTIAL)
    (demo.folder / "manifests/prod/connections/prod-lake.yaml").write_text(LAKE_CONNECTION)
    demo.print_step("The password of the warehouse, encrypted with SOPS")
    _set_database_passwords(demo, "first-password")
    demo.run_command(
        "pass show warehouse | keyturn secret set prod-warehouse password", stdin="first-password"
    )
    demo.run_command("keyturn validate")
    demo.run_command("keyturn plan")
    demo.run_command("keyturn apply --auto-approve")
    demo.print_step("A second plan has no changes")
    demo.run_command("keyturn plan --detailed-exitcode")


def _show_drift(demo: DemoRunner) -> None:
    demo.print_step("Somebody edits the connection in the UI")
    demo.control_client.edit_in_ui("connections", "prod-warehouse", config={"database": "scratch"})
    demo.run_command("keyturn plan --detailed-exitcode", expect=2)
    demo.run_command("keyturn apply --auto-approve")


def _show_rotation(demo: DemoRunner) -> None:
    demo.print_step(
        "A new password with a typo: keyturn tests it on a probe before it changes the credential"
    )
    demo.run_command(
        "pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="secnod-password"
    )
    demo.run_command("keyturn apply --auto-approve", expect=1)
    demo.print_step("The correct password; the database accepts the old and the new one")
    _set_database_passwords(demo, "first-password", "second-password")
    demo.run_command(
        "pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="second-password"
    )
    demo.run_command("keyturn apply --auto-approve")


def _show_retirement(demo: DemoRunner) -> None:
    demo.print_step("The data lake is no longer needed: delete its manifests")
    demo.run_command("rm manifests/prod/credentials/prod-lake.yaml manifests/prod/connections/prod-lake.yaml")
    demo.run_command("keyturn apply --auto-approve", expect=5)
    demo.print_step("Retiring two of four objects exceeds the budget; --allow-retire allows it")
    demo.run_command("keyturn apply --auto-approve --allow-retire 2")
    demo.print_step("The manifests return, and keyturn restores the same object")
    (demo.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE_CREDENTIAL)
    (demo.folder / "manifests/prod/connections/prod-lake.yaml").write_text(LAKE_CONNECTION)
    demo.run_command("keyturn apply --auto-approve")
    demo.run_command("keyturn plan")


def _set_database_passwords(demo: DemoRunner, *passwords: str) -> None:
    warehouse = {
        "type": "postgres",
        "match": {"host": "db.example.com"},
        "accepts": {"password": list(passwords)},
        "server_version": "PostgreSQL 16.4",
    }
    demo.control_client.set_targets([warehouse])
