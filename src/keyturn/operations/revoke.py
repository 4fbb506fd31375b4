"""Revoke a live credential, or purge a retired one. Neither is part of an apply, neither can be undone."""

from collections import Counter
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.client import Client
from keyturn.client.errors import NotFound, ServiceError
from keyturn.client.messages import READ_METHODS
from keyturn.client.records import UnusableRow
from keyturn.kinds import KINDS
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic, pluralize
from keyturn.model.fields import nest_fields
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.operations.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.operations.parallel import map_parallel
from keyturn.operations.run_context import RunContext
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.journal import Journal
from keyturn.state.reader import LoadedState

MAX_PARALLEL_DETACHES = 8
"""Connections detached at the same time."""


class RevocationStep(Struct, frozen=True, kw_only=True):
    """One step of a revocation; ``error`` is empty if it succeeded.

    ``may_be_applied``: the step failed with an unknown outcome.
    """

    address: Address
    action: str
    error: str = ""
    may_be_applied: bool = False


class Revocation(Struct, frozen=True, kw_only=True):
    """The steps of a revocation, in order; ``unrecorded`` says why the journal lacks some of them.

    ``unusable_rows`` may be further users of the credential.
    """

    credential: LiveObject
    steps: tuple[RevocationStep, ...]
    unrecorded: str = ""
    unusable_rows: tuple[UnusableRow, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all steps succeeded."""
        return not any(step.error for step in self.steps)


def find_credential(service: Client, name: str) -> LiveObject:
    """Return the live credential with this exact name; raises DiagnosticError (KT470)."""
    kind = KINDS["credential"]
    listed = [kind.decode(record) for record in service.list_records(kind.collection).records]
    found = [live for live in listed if live.address.name == name and live.status != "deleted"]
    if len(found) == 1:
        return found[0]
    message = f"no live credential {name}"
    unusable = [row for row in service.unusable_rows if row.name == name]
    if unusable:
        message = f"{message}: {unusable[0]}"
    elif found:
        message = f"{name} is the name of {pluralize(len(found), 'credential')}"
    hint = "use the exact name shown in Planasonix; a key with fewer rights may not see it"
    raise DiagnosticError(error_diagnostic("KT470", SourceLocation("workspace"), message, hint))


def revoke_credential(
    service: Client, credential: LiveObject, open_run: Callable[[], RunContext]
) -> Revocation:
    """Detach a credential from every connection, then soft-delete it; a failed step does not stop the rest.

    ``open_run`` returns the run whose journal records the steps. The revocation continues without a
    record if the lock is held, or if the state cannot be read or written.
    """
    recorder = _StepRecorder()
    steps: tuple[RevocationStep, ...] = ()
    try:
        run = open_run()
        with exclusive_run(run, "revoke") as held:
            recorder = _StepRecorder(held.begin_journal(held.read_state()), run.new_id)
            steps = _perform_steps(service, credential, recorder)
            held.end_journal(Counter(_outcome_status(step).value for step in steps))
    except DiagnosticError as error:
        recorder.stop_recording(error)
    steps = steps or _perform_steps(service, credential, recorder)
    return Revocation(
        credential=credential,
        steps=steps,
        unrecorded=recorder.unrecorded,
        unusable_rows=service.unusable_rows,
    )


class _StepRecorder:
    """Performs steps and records them while the journal can be written."""

    def __init__(self, journal: Journal | None = None, new_id: Callable[[], str] = str) -> None:
        self._journal, self._new_id = journal, new_id
        self.unrecorded = ""

    def stop_recording(self, error: DiagnosticError) -> None:
        """Record nothing more, and keep the first reason."""
        self._journal = None
        self.unrecorded = self.unrecorded or error.diagnostics[0].message

    def perform_step(self, live: LiveObject, action: str, send: Callable[[], str]) -> RevocationStep:
        """Record the intent, call ``send``, record the outcome; ``send`` returns an error message or ""."""
        intent = Intent(
            id=self._new_id(), operation=action, address=live.address, action="revoke", object=live.id
        )
        self._append(intent)
        step, request_line = RevocationStep(address=live.address, action=action), ""
        try:
            step = replace(step, error=send())
        except ServiceError as error:
            # If reading back fails, the write before it may have been applied.
            is_unknown = error.may_be_applied or error.method in READ_METHODS
            step = replace(step, error=error.message, may_be_applied=is_unknown)
            request_line = error.request_line
        self._append(_build_outcome_event(intent, _outcome_status(step), message=request_line))
        return step

    def _append(self, event: Intent | OutcomeRecorded) -> None:
        if self._journal is None:
            return
        try:
            self._journal.append(event)
        except DiagnosticError as error:
            self.stop_recording(error)


def _outcome_status(step: RevocationStep) -> OutcomeStatus:
    if not step.error:
        return OutcomeStatus.DONE
    return OutcomeStatus.UNKNOWN if step.may_be_applied else OutcomeStatus.FAILED


def _build_outcome_event(
    intent: Intent, outcome_status: OutcomeStatus, removed: tuple[Address, ...] = (), message: str = ""
) -> OutcomeRecorded:
    return OutcomeRecorded(
        intent=intent.id,
        address=intent.address,
        action=intent.action,
        outcome_status=outcome_status,
        removed=removed,
        message=message,
    )


def _perform_steps(
    service: Client, credential: LiveObject, recorder: _StepRecorder
) -> tuple[RevocationStep, ...]:
    def detach(user: LiveObject) -> RevocationStep:
        return recorder.perform_step(user, "detach", lambda: _detach_connection(service, user, credential))

    steps = map_parallel(detach, _list_users(service, credential.id), MAX_PARALLEL_DETACHES)
    deletion = recorder.perform_step(
        credential, "soft-delete", lambda: _delete_credential(service, credential)
    )
    return (*steps, deletion)


def _list_users(service: Client, credential_id: str) -> list[LiveObject]:
    kind = KINDS["connection"]
    listed = [kind.decode(record) for record in service.list_records(kind.collection).records]
    return [live for live in listed if credential_id in live.fields.values()]


def _detach_connection(service: Client, user: LiveObject, credential: LiveObject) -> str:
    kind = KINDS["connection"]
    current = kind.decode(service.read_record(kind.collection, user.id))
    body = _build_detached_body(current, credential.id)
    service.update_record(kind.collection, current.id, body, idempotent=True)
    live = kind.decode(service.read_record(kind.collection, current.id))
    return "the connection still uses the credential" if credential.id in live.fields.values() else ""


def _build_detached_body(connection: LiveObject, credential_id: str) -> Mapping[str, object]:
    config = {
        path[1:]: leaf
        for path, leaf in connection.fields.items()
        if path[0] == "config" and leaf != credential_id
    }
    return {"name": connection.address.name, "config": nest_fields(config), "credentialId": None}


def _delete_credential(service: Client, credential: LiveObject) -> str:
    try:
        service.retire_record("credentials", credential.id, idempotent=True)
        live = KINDS["credential"].decode(service.read_record("credentials", credential.id))
    except NotFound:
        return ""
    return "" if live.status == "deleted" else "the credential is still active"


def purge_retired(run: RunContext, name: str) -> StateEntry:
    """Delete a retired credential permanently, remove it from the state and return its last entry.

    Raises DiagnosticError: KT471 if it is not retired, KT458 if a connection uses it.
    """
    with exclusive_run(run, "purge") as held:
        loaded_state = held.read_state()
        entry = _find_retired(loaded_state, name)
        _reject_used(run, entry)
        _purge_credential(run, held, loaded_state, entry)
        return entry


def _find_retired(loaded_state: LoadedState, name: str) -> StateEntry:
    entry = loaded_state.state.find_entry(Address("credential", name))
    if entry is not None and entry.retired_at:
        return entry
    problem = "is not retired" if entry else "is not in the state"
    message = f"credential/{name} {problem}; only a retired credential can be purged"
    hint = "remove its manifest and run `keyturn apply` first"
    raise DiagnosticError(error_diagnostic("KT471", SourceLocation("state"), message, hint))


def _reject_used(run: RunContext, entry: StateEntry) -> None:
    users = sorted(str(live.address) for live in _list_users(run.service, entry.id))
    message = f"{entry.address} is still used by {', '.join(users[:5])}" if users else ""
    if not users and run.service.unusable_rows:
        message = f"{entry.address} may still be used: {run.service.unusable_rows[0]}"
    if message:
        hint = "detach it there first"
        raise DiagnosticError(error_diagnostic("KT458", SourceLocation("workspace"), message, hint))


def _purge_credential(
    run: RunContext, held: ExclusiveRun, loaded_state: LoadedState, entry: StateEntry
) -> None:
    journal = held.begin_journal(loaded_state)
    intent = Intent(
        id=run.new_id(), operation="purge", address=entry.address, action="purge", object=entry.id
    )
    journal.append(intent)
    try:
        with run.service.limited_concurrency(1, held.holds_lock):
            run.service.purge_credential(entry.id, idempotent=True)
    except ServiceError as error:
        outcome_status = OutcomeStatus.UNKNOWN if error.may_be_applied else OutcomeStatus.FAILED
        journal.append(_build_outcome_event(intent, outcome_status, message=error.request_line))
        raise
    journal.append(_build_outcome_event(intent, OutcomeStatus.DONE, removed=(entry.address,)))
    held.end_journal({OutcomeStatus.DONE.value: 1})
