"""The command line: run an emulator until it is interrupted."""

import json
import signal
import threading
from pathlib import Path
from typing import Any

import click

from planasonix_emulator.server import IN_MEMORY, Emulator, EmulatorOptions
from planasonix_emulator.settings import (
    CHOICES,
    EmulatorSettings,
    SettingsError,
    change_settings,
    read_settings,
)
from planasonix_emulator.targets.targets import parse_targets
from planasonix_emulator.testing.faults import parse_faults

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 [a free port].")
@click.option("--database", default=IN_MEMORY, show_default=True, help="SQLite file, created if missing.")
@click.option(
    "--encryption-key", type=click.Path(path_type=Path), help="File of the encryption key [DATABASE.key]."
)
@click.option("--key", envvar="PLANASONIX_EMULATOR_KEY", help="API key to accept [a new key, printed].")
@click.option(
    "--organization",
    default=EmulatorOptions().organization,
    show_default=True,
    help="Organization of the API key.",
)
@click.option("--dialect", type=click.Choice(CHOICES["dialect"]), help="Response format [docs].")
@click.option("--settings", "settings_file", type=_FILE, help="JSON file of settings.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=JSON", help="One setting; can be repeated.")
@click.option("--targets", "targets_file", type=_FILE, help="JSON file of simulated targets.")
@click.option("--faults", "faults_file", type=_FILE, help="JSON file of faults.")
@click.option("--control", envvar="PLANASONIX_EMULATOR_CONTROL", help="Token of the control API [disabled].")
@click.option("--latency-ms", type=float, help="Minimum milliseconds from each request to its response.")
def main(**options: Any) -> None:
    """Run an emulator of the Planasonix API on loopback, for evaluation and tests.

    Prints a line with its address when it is ready, and runs until it is interrupted.

    \b
    Examples:
      planasonix-emulator --port 8631 --key plnx_live_try
      planasonix-emulator --dialect backend --set page_size=2 --targets targets.json
    """  # noqa: D301  # click reads \b as "do not rewrap"
    try:
        emulator = Emulator(_build_options(options), _build_settings(options))
    except (SettingsError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    with emulator:
        if not options["key"]:
            click.echo(f"key {emulator.key}")
        click.echo(f"listening on {emulator.base_url}")
        _wait_for_signal()


def _build_options(options: dict[str, Any]) -> EmulatorOptions:
    targets, faults = options["targets_file"], options["faults_file"]
    return EmulatorOptions(
        port=options["port"],
        database=options["database"],
        encryption_key=options["encryption_key"],
        organization=options["organization"],
        key=options["key"] or "",
        control=options["control"] or "",
        targets=parse_targets(_read_json(targets)) if targets else (),
        faults=parse_faults(_read_json(faults)) if faults else (),
    )


def _build_settings(options: dict[str, Any]) -> EmulatorSettings:
    file = options["settings_file"]
    settings = read_settings(file) if file else EmulatorSettings()
    changes: dict[str, Any] = {}
    for pair in options["pairs"]:
        name, _, value = pair.partition("=")
        changes[name] = _parse_value(value)
    for name in ("dialect", "latency_ms"):
        if options[name] is not None:
            changes[name] = options[name]
    return change_settings(settings, changes)


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _wait_for_signal() -> None:
    received = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: received.set())
    received.wait()


if __name__ == "__main__":
    main()
