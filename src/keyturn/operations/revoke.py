"""Purge: the end of a credential that was retired. Not part of any apply, and never to be undone."""

from collections import Counter
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.client import Client
from keyturn.client.errors import NotFound, ServiceError
from keyturn.client.messages import READ_METHODS
from keyturn.kinds import KINDS
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, pluralize_or_none
from keyturn.model.fields import nest_fields
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.operations.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.operations.parallel import map_parallel
from keyturn.operations.run_context import RunContext
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.journal import Journal
from keyturn.state.reader import LoadedState


def purge_retired(run: RunContext, name: str) -> StateEntry:
    """Delete a retired credential for good and forget it; return its last entry. Raises Faulty KT471."""
    with exclusive_run(run, "purge") as held:
        reading = held.read_state()
        known = _find_retired(reading, name)
        _reject_used(run, known)
        _purge(run, held, reading, known)
        return known


def _purge(run: RunContext, held: ExclusiveRun, reading: LoadedState, known: StateEntry) -> None:
    journal = held.begin_journal(reading)
    intent = Intent(
        id=run.new_id(), operation="purge", address=known.address, action="purge", object=known.id
    )
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


def _end(
    intent: Intent, ending: OutcomeStatus, gone: tuple[Address, ...] = (), message: str = ""
) -> OutcomeRecorded:
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
    state = "is in use" if known else "is not in the state"
    raise DiagnosticError(
        Diagnostic(
            code="KT471",
            severity=Severity.ERROR,
            message=f"credential/{name} {state}: only what was retired can be purged",
            origin=SourceLocation("state"),
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


MAX_PARALLEL_DETACHES = 8


class RevocationStep(Struct, frozen=True, kw_only=True):
    """One thing that was done, and how it ended; ``trouble`` is empty when it went well.

    ``may_be_applied`` says of a step that failed that it may have been done nevertheless.
    """

    address: Address
    action: str
    error: str = ""
    may_be_applied: bool = False


class Revocation(Struct, frozen=True):
    """What a revocation did, in order; ``unrecorded`` says why the journal does not hold all of it."""

    credential: LiveObject
    steps: tuple[RevocationStep, ...]
    unrecorded: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether everything went well."""
        return not any(step.error for step in self.steps)


def find_credential(service: Client, name: str) -> LiveObject:
    """Return the live credential of this exact name; raises Faulty KT470."""
    kind = KINDS["credential"]
    found = [kind.decode(each) for each in service.list_records(kind.collection).records]
    named = [each for each in found if each.address.name == name and each.status != "deleted"]
    if len(named) == 1:
        return named[0]
    message = (
        f"there is no live credential {name}"
        if not named
        else f"{name} is the name of {pluralize_or_none(len(named), 'credential')}"
    )
    raise DiagnosticError(
        Diagnostic(
            code="KT470",
            severity=Severity.ERROR,
            message=message,
            origin=SourceLocation("workspace"),
            hint="write it as Planasonix shows it; a key with fewer rights may not see it",
        )
    )


def revoke_credential(
    service: Client, credential: LiveObject, open_run: Callable[[], RunContext]
) -> Revocation:
    """Detach a credential from every connection and soft-delete it; goes on whatever fails.

    ``open_run`` gives the run whose journal records it. A lock that is held, and a store or a state that
    cannot be used, do not stop the revocation.
    """
    record = _Record()
    steps: tuple[RevocationStep, ...] = ()
    try:
        run = open_run()
        with exclusive_run(run, "revoke") as held:
            record = _Record(held.begin_journal(held.read_state()), run.new_id)
            steps = _revoke(service, credential, record)
            held.end_journal(Counter(_ending(step).value for step in steps))
    except DiagnosticError as faulty:
        record.fail(faulty)
    return Revocation(credential, steps or _revoke(service, credential, record), record.trouble)


class _Record:
    """Journals steps as long as the journal can be written; ``trouble`` says why it cannot."""

    def __init__(self, journal: Journal | None = None, fresh: Callable[[], str] = str) -> None:
        self._journal, self._fresh = journal, fresh
        self.trouble = ""

    def fail(self, faulty: DiagnosticError) -> None:
        """Journal nothing more."""
        self._journal = None
        self.trouble = self.trouble or faulty.diagnostics[0].message

    def perform(self, target: LiveObject, deed: str, send: Callable[[], str]) -> RevocationStep:
        """Journal a step, make it, and journal its end; ``send`` returns what is wrong after a yes."""
        intent = Intent(
            id=self._fresh(), operation=deed, address=target.address, action="revoke", object=target.id
        )
        self._append(intent)
        step, where = RevocationStep(address=target.address, action=deed), ""
        try:
            step = replace(step, error=send())
        except ServiceError as error:
            # Where reading back fails, the write before it may have been applied.
            unknown = error.may_be_applied or error.method in READ_METHODS
            step = replace(step, error=error.message, may_be_applied=unknown)
            where = error.request_line
        end = OutcomeRecorded(
            intent=intent.id,
            address=target.address,
            action="revoke",
            outcome_status=_ending(step),
            message=where,
        )
        self._append(end)
        return step

    def _append(self, event: Intent | OutcomeRecorded) -> None:
        journal = self._journal
        if journal is None:
            return
        try:
            journal.append(event)
        except DiagnosticError as faulty:
            self.fail(faulty)


def _ending(step: RevocationStep) -> OutcomeStatus:
    if not step.error:
        return OutcomeStatus.DONE
    return OutcomeStatus.UNKNOWN if step.may_be_applied else OutcomeStatus.FAILED


def _revoke(service: Client, credential: LiveObject, record: _Record) -> tuple[RevocationStep, ...]:
    kind = KINDS["connection"]
    listed = [kind.decode(each) for each in service.list_records(kind.collection).records]
    users = [each for each in listed if credential.id in each.fields.values()]

    def detach(user: LiveObject) -> RevocationStep:
        return record.perform(user, "detach", lambda: _detach_connection(service, user, credential))

    steps = map_parallel(detach, users, MAX_PARALLEL_DETACHES)
    return (
        *steps,
        record.perform(credential, "soft-delete", lambda: _delete_credential(service, credential)),
    )


def _detach_connection(service: Client, user: LiveObject, credential: LiveObject) -> str:
    kind = KINDS["connection"]
    now = kind.decode(service.read_record(kind.collection, user.id))
    service.update_record(
        kind.collection, now.id, _body_without_credential(now, credential.id), idempotent=True
    )
    back = kind.decode(service.read_record(kind.collection, now.id))
    return "the service still shows it attached" if credential.id in back.fields.values() else ""


def _body_without_credential(now: LiveObject, identity: str) -> Mapping[str, object]:
    config = {path[1:]: leaf for path, leaf in now.fields.items() if path[0] == "config" and leaf != identity}
    return {"name": now.address.name, "config": nest_fields(config), "credentialId": None}


def _delete_credential(service: Client, credential: LiveObject) -> str:
    try:
        service.retire_record("credentials", credential.id, idempotent=True)
        after = KINDS["credential"].decode(service.read_record("credentials", credential.id))
    except NotFound:
        return ""
    return "" if after.status == "deleted" else "the service still shows it active"
