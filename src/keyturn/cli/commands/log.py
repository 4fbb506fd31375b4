"""keyturn log: show who changed what, when and from which commit."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from msgspec import UNSET

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith
from keyturn.model.diagnostic import pluralize_or_none
from keyturn.state.events import Intent, OutcomeRecorded, RunFinished, RunStarted, encode_event, event_name
from keyturn.state.journal_record import JournalRecord, UnreadableEvent, read_journal_records, verify_chain
from keyturn.state.signatures import is_signed_record
from keyturn.state.stores.base import StateStore
from keyturn.views.escaping import escape_line
from keyturn.views.json_output import neutralize_json


@click.command("log")
@options.workspace_option
@options.chdir_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Output format.")
@click.option(
    "--address",
    default="",
    metavar="ADDRESS",
    shell_complete=completion.complete_addresses,
    help="Only this resource.",
)
@click.option("--verify", is_flag=True, help="Check the hash chain of the journal and print only the result.")
@click.pass_obj
def log_command(color: bool, /, workspace: str, folder: Path, form: str, address: str, verify: bool) -> None:
    """Show the journal: each write with its outcome.

    Records say who, what, when and from which commit; they contain no secret. Each record carries the
    hash of the record before it, so that a change of the journal is detected.

    \b
    Examples:
      keyturn log --address credential/prod-db
      keyturn log --verify
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.project.project import open_project
        from keyturn.project.workspace_key import load_workspace_key
        from keyturn.project.workspace_store import open_workspace_store

        project = open_project(folder)
        chosen = project.find_workspace(workspace)
        environment = read_environment()
        store = open_workspace_store(project, chosen, environment)
        if verify:
            key = load_workspace_key(project, chosen, environment)
            message, whole = check_journal(
                store,
                lambda line: key is None or is_signed_record(line, key.public_key, chosen.name),
            )
            click.echo(message)
            raise ExitWith(exit_codes.EXIT_DONE if whole else exit_codes.EXIT_REFUSED)
        if form == "json":
            click.echo(format_journal_json(store, address))
            return
        for line in format_journal(store, address):
            click.echo(line)


def check_journal(store: StateStore, is_signed: Callable[[bytes], bool]) -> tuple[str, bool]:
    """Return the result of the check of the journal as a sentence, and whether it is intact.

    ``is_signed`` tells whether the line of a record has a valid signature. That of the last record covers
    all records, because each has the hash of the one before.
    """
    lines = [line for line in store.open_log().read(0) if line.data.endswith(b"\n")]
    records = tuple(read_journal_records(lines))
    if not records:
        return (
            f"The journal is empty: no command has written to {store.location} yet, or its files are lost.",
            True,
        )
    broken = verify_chain(records)
    if broken is not None:
        return f"The journal was changed or damaged at record {broken + 1} of {len(records)}.", False
    if not is_signed(lines[-1].data):
        return "The last record of the journal is not signed by the key of the workspace (KT627).", False
    return f"The journal is intact: {pluralize_or_none(len(records), 'record')}.", True


def format_journal(store: StateStore, address: str) -> Iterator[str]:
    """Yield the records of the journal, one line each; ``address`` selects one resource."""
    for record in _select_records(store, address):
        yield f"{escape_line(record.at)}  {escape_line(_describe_record(record))}"


def format_journal_json(store: StateStore, address: str) -> str:
    """Return the records of the journal as a JSON array, one record a line."""
    return (
        "["
        + ",\n ".join(
            neutralize_json(json.dumps(_record_to_dict(record))) for record in _select_records(store, address)
        )
        + "]"
    )


def _select_records(store: StateStore, address: str) -> Iterator[JournalRecord]:
    for record in read_journal_records(store.open_log().read(0)):
        if not address or str(getattr(record.event, "address", "")) == address:
            yield record


def _record_to_dict(record: JournalRecord) -> dict[str, object]:
    event = record.event
    fields = (
        {"event": "unreadable"} if isinstance(event, UnreadableEvent) else json.loads(encode_event(event))
    )
    return {"at": record.at, "seq": record.seq, **fields}


def _describe_record(record: JournalRecord) -> str:
    match record.event:
        case RunStarted() as run:
            return f"{run.command} {run.run} by {run.who} on {run.host}{_describe_source(run)}"
        case Intent() as intent:
            return f"  {intent.operation} {intent.address} ({intent.action})"
        case OutcomeRecorded() as done:
            message = f": {done.message}" if done.message else ""
            return f"  {done.outcome_status.value} {done.address}{message}"
        case RunFinished() as end:
            counts = ", ".join(f"{count} {word}" for word, count in end.counts.items() if count)
            return f"{end.run_status} {end.run}" + (f": {counts}" if counts else "")
        case other:
            return event_name(other) if not isinstance(other, UnreadableEvent) else "unreadable"


def _describe_source(run: RunStarted) -> str:
    commit = f", commit {run.commit[:12]}" if run.commit else ""
    dirty = " with uncommitted changes" if run.dirty is True else ""
    if run.approval is UNSET:
        return commit + dirty
    consents = "".join(f" {each}" for each in run.approval.consents)
    return f"{commit}{dirty}, plan {run.approval.digest}{consents}"
