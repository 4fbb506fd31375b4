"""Break glass: a compromised credential is detached everywhere and soft-deleted, now.

It needs keyturn.yaml and the service alone: manifests, ledger, lock and store may be broken. Each step is
journaled before it is sent wherever that is possible; where it is not, the result says why. The
ledger's entry stays as it is, so that the next plan sees an object that was deleted outside of an apply
and does not bring it back unasked.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.api.call import READ_METHODS
from keyturn.api.client import Client
from keyturn.api.errors import NotFound, ServiceError
from keyturn.core.address import Address, SourceLocation
from keyturn.core.counting import pluralize_or_none
from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.core.fields import nest_fields
from keyturn.core.outcome import OutcomeStatus
from keyturn.core.resource import LiveObject
from keyturn.engine.exclusive_run import exclusive_run
from keyturn.engine.run import RunContext
from keyturn.engine.together import map_parallel
from keyturn.kinds import KINDS
from keyturn.ledger.event import OutcomeRecorded, Intent
from keyturn.ledger.journal import Journal

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


def revoke_credential(service: Client, credential: LiveObject, open_run: Callable[[], RunContext]) -> Revocation:
    """Detach a credential from every connection and soft-delete it; goes on whatever fails.

    ``open_run`` gives the run whose journal records it. A lock that is held, and a store or a ledger that
    cannot be used, do not stop the revocation.
    """
    record = _Record()
    steps: tuple[RevocationStep, ...] = ()
    try:
        run = open_run()
        with exclusive_run(run, "revoke") as held:
            record = _Record(held.begin_journal(held.read_ledger()), run.new_id)
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
        intent = Intent(id=self._fresh(), operation=deed, address=target.address, action="revoke", object=target.id)
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
    return (*steps, record.perform(credential, "soft-delete", lambda: _delete_credential(service, credential)))


def _detach_connection(service: Client, user: LiveObject, credential: LiveObject) -> str:
    kind = KINDS["connection"]
    now = kind.decode(service.read_record(kind.collection, user.id))
    service.update_record(kind.collection, now.id, _body_without_credential(now, credential.id), idempotent=True)
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
