"""Purge: the end of a credential that was retired. Not part of any apply, and never to be undone."""

from keyturn.api.errors import ServiceError
from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.outcome import Ending
from keyturn.core.resource import Known
from keyturn.engine.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.engine.run import Run
from keyturn.kinds import KINDS
from keyturn.ledger.event import Finished, Intent
from keyturn.ledger.reading import Reading


def purge_retired(run: Run, name: str) -> Known:
    """Delete a retired credential for good and forget it; return its last entry. Raises Faulty KT471."""
    with exclusive_run(run, "purge") as held:
        reading = held.read_ledger()
        known = _tombstone(reading, name)
        _refuse_used(run, known)
        _purge(run, held, reading, known)
        return known


def _purge(run: Run, held: ExclusiveRun, reading: Reading, known: Known) -> None:
    journal = held.begin_journal(reading)
    intent = Intent(id=run.fresh(), op="purge", address=known.address, action="purge", object=known.id)
    journal.append(intent)
    try:
        with run.service.admitting(1, held.holds_lock):
            run.service.purge(known.id, idempotent=True)
    except ServiceError as error:
        ending = Ending.UNSURE if error.may_be_applied else Ending.FAILED
        journal.append(_end(intent, ending, message=error.where))
        raise
    journal.append(_end(intent, Ending.DONE, gone=(known.address,)))
    held.end_journal({Ending.DONE.value: 1})


def _end(intent: Intent, ending: Ending, gone: tuple[Address, ...] = (), message: str = "") -> Finished:
    return Finished(
        intent=intent.id,
        address=intent.address,
        action=intent.action,
        ending=ending,
        gone=gone,
        message=message,
    )


def _tombstone(reading: Reading, name: str) -> Known:
    known = reading.ledger.find(Address("credential", name))
    if known is not None and known.retired_at:
        return known
    state = "is in use" if known else "is not in the ledger"
    raise Faulty(
        Diagnostic(
            code="KT471",
            severity=Severity.ERROR,
            message=f"credential/{name} {state}: only what was retired can be purged",
            origin=Origin("ledger"),
            hint="remove its manifest and apply first",
        )
    )


def _refuse_used(run: Run, known: Known) -> None:
    kind = KINDS["connection"]
    listed = map(kind.decode, run.service.records(kind.collection).records)
    users = sorted(str(each.address) for each in listed if known.id in each.fields.values())
    if users:
        raise Faulty(
            Diagnostic(
                code="KT458",
                severity=Severity.ERROR,
                message=f"{known.address} is still used by {', '.join(users[:5])}",
                origin=Origin("workspace"),
                hint="detach it there first",
            )
        )
