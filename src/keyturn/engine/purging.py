"""Purge: the end of a credential that was retired. Not part of any apply, and never to be undone."""

from keyturn.api.errors import ServiceError
from keyturn.core.address import Address, SourceLocation
from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.core.outcome import OutcomeStatus
from keyturn.core.resource import StateEntry
from keyturn.engine.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.engine.run import RunContext
from keyturn.kinds import KINDS
from keyturn.ledger.event import OutcomeRecorded, Intent
from keyturn.ledger.reading import LoadedState


def purge_retired(run: RunContext, name: str) -> StateEntry:
    """Delete a retired credential for good and forget it; return its last entry. Raises Faulty KT471."""
    with exclusive_run(run, "purge") as held:
        reading = held.read_ledger()
        known = _find_retired(reading, name)
        _reject_used(run, known)
        _purge(run, held, reading, known)
        return known


def _purge(run: RunContext, held: ExclusiveRun, reading: LoadedState, known: StateEntry) -> None:
    journal = held.begin_journal(reading)
    intent = Intent(id=run.new_id(), operation="purge", address=known.address, action="purge", object=known.id)
    journal.append(intent)
    try:
        with run.service.limited_concurrency(1, held.holds_lock):
            run.service.purge_credential(known.id, idempotent=True)
    except ServiceError as error:
        ending = OutcomeStatus.UNKNOWN if error.may_be_applied else OutcomeStatus.FAILED
        journal.append(_end(intent, ending, message=error.request_line))
        raise
    journal.append(_end(intent, OutcomeStatus.DONE, gone=(known.address,)))
    held.end_journal({OutcomeStatus.DONE.value: 1})


def _end(intent: Intent, ending: OutcomeStatus, gone: tuple[Address, ...] = (), message: str = "") -> OutcomeRecorded:
    return OutcomeRecorded(
        intent=intent.id,
        address=intent.address,
        action=intent.action,
        outcome_status=ending,
        removed=gone,
        message=message,
    )


def _find_retired(loaded_state: LoadedState, name: str) -> StateEntry:
    known = loaded_state.state.find_entry(Address("credential", name))
    if known is not None and known.retired_at:
        return known
    state = "is in use" if known else "is not in the ledger"
    raise DiagnosticError(
        Diagnostic(
            code="KT471",
            severity=Severity.ERROR,
            message=f"credential/{name} {state}: only what was retired can be purged",
            origin=SourceLocation("ledger"),
            hint="remove its manifest and apply first",
        )
    )


def _reject_used(run: RunContext, entry: StateEntry) -> None:
    kind = KINDS["connection"]
    listed = map(kind.decode, run.service.list_records(kind.collection).records)
    users = sorted(str(each.address) for each in listed if entry.id in each.fields.values())
    if users:
        raise DiagnosticError(
            Diagnostic(
                code="KT458",
                severity=Severity.ERROR,
                message=f"{entry.address} is still used by {', '.join(users[:5])}",
                origin=SourceLocation("workspace"),
                hint="detach it there first",
            )
        )
