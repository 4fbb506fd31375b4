"""The command line: an emulator in a process of its own, until it is told to end."""

import json
import signal
import threading
from pathlib import Path
from typing import Any

import click

from planasonix_emulator.faults import read_faults
from planasonix_emulator.running import MEMORY, Emulator, Setup
from planasonix_emulator.settings import CHOICES, Settings, SettingsError, changed, read_settings
from planasonix_emulator.targets import read_targets

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 [any free one].")
@click.option("--database", default=MEMORY, show_default=True, help="SQLite file, made if absent.")
@click.option(
    "--encryption-key", type=click.Path(path_type=Path), help="File of the database's key [FILE.key]."
)
@click.option("--key", envvar="PLANASONIX_EMULATOR_KEY", help="The API key to accept [a new one, printed].")
@click.option(
    "--organization", default=Setup().organization, show_default=True, help="The key's organization."
)
@click.option("--dialect", type=click.Choice(CHOICES["dialect"]), help="The shapes it speaks in [docs].")
@click.option("--settings", "settings_file", type=_FILE, help="JSON file of settings.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=JSON", help="One setting; may be repeated.")
@click.option("--targets", "targets_file", type=_FILE, help="JSON file of simulated targets.")
@click.option("--faults", "faults_file", type=_FILE, help="JSON file of faults.")
@click.option(
    "--control", envvar="PLANASONIX_EMULATOR_CONTROL", help="Token that opens the side channel [closed]."
)
@click.option("--latency-ms", type=float, help="Milliseconds from each request to its answer, at least.")
def main(**options: Any) -> None:
    """Serve the Planasonix API on loopback, for trying and testing.

    Prints a line with its address when it is ready, and serves until it is interrupted.

    \b
    Examples:
      planasonix-emulator --port 8631 --key plnx_live_try
      planasonix-emulator --dialect backend --set page_size=2 --targets targets.json
    """  # noqa: D301  # click takes the character itself for "leave the lines as they are"
    try:
        emulator = Emulator(_setup(options), _settings(options))
    except (SettingsError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    with emulator:
        if not options["key"]:
            click.echo(f"key {emulator.key}")
        click.echo(f"listening on {emulator.base_url}")
        _until_told()


def _setup(options: dict[str, Any]) -> Setup:
    targets, faults = options["targets_file"], options["faults_file"]
    return Setup(
        port=options["port"],
        database=options["database"],
        encryption_key=options["encryption_key"],
        organization=options["organization"],
        key=options["key"] or "",
        control=options["control"] or "",
        targets=read_targets(_json(targets)) if targets else (),
        faults=read_faults(_json(faults)) if faults else (),
    )


def _settings(options: dict[str, Any]) -> Settings:
    settings = read_settings(options["settings_file"]) if options["settings_file"] else Settings()
    single: dict[str, Any] = {}
    for pair in options["pairs"]:
        name, _, value = pair.partition("=")
        single[name] = _value(value)
    for name in ("dialect", "latency_ms"):
        if options[name] is not None:
            single[name] = options[name]
    return changed(settings, single)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _until_told() -> None:
    told = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: told.set())
    told.wait()


if __name__ == "__main__":
    main()
