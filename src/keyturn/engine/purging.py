"""Purge: the end of a credential that was retired. Not part of any apply, and never to be undone."""

from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.outcome import Ending
from keyturn.core.resource import Known
from keyturn.engine.run import Run
from keyturn.kinds import KINDS
from keyturn.ledger.event import Finished, Intent
from keyturn.ledger.journal import open_journal
from keyturn.ledger.lock import Holder, acquire
from keyturn.ledger.reading import Reading, compact, read_ledger

LEASE = 120.0


def purge_retired(run: Run, name: str) -> Known:
    """Delete a retired credential for good and forget it; return its last entry. Raises Faulty KT471."""
    author = run.author
    lease = acquire(run.store, Holder(id=run.fresh(), who=author.who, host=author.host, ttl=LEASE), run.clock)
    try:
        reading = read_ledger(run.store, run.workspace.name, run.workspace.organization)
        known = _tombstone(reading, name)
        _refuse_used(run, known)
        journal = open_journal(run.store, reading.ledger, reading.torn, run.clock)
        intent = Intent(id=run.fresh(), op="purge", address=known.address, action="purge", object=known.id)
        journal.append(intent)
        run.service.purge(known.id, idempotent=True)
        journal.append(
            Finished(
                intent=intent.id,
                address=known.address,
                action="purge",
                ending=Ending.DONE,
                gone=(known.address,),
            )
        )
        compact(run.store, reading, journal)
        return known
    finally:
        if lease.valid():
            lease.release()


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
