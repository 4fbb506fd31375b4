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

from keyturn.api.call import READS
from keyturn.api.client import Client
from keyturn.api.errors import Absent, ServiceError
from keyturn.core.address import Address, Origin
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.fields import nest
from keyturn.core.outcome import Ending
from keyturn.core.resource import Live
from keyturn.engine.exclusive_run import exclusive_run
from keyturn.engine.run import Run
from keyturn.engine.together import side_by_side
from keyturn.kinds import KINDS
from keyturn.ledger.event import Finished, Intent
from keyturn.ledger.journal import Journal

DETACHERS = 8


class Step(Struct, frozen=True, kw_only=True):
    """One thing that was done, and how it ended; ``trouble`` is empty when it went well.

    ``may_be_applied`` says of a step that failed that it may have been done nevertheless.
    """

    address: Address
    deed: str
    trouble: str = ""
    may_be_applied: bool = False


class Revocation(Struct, frozen=True):
    """What a revocation did, in order; ``unrecorded`` says why the journal does not hold all of it."""

    credential: Live
    steps: tuple[Step, ...]
    unrecorded: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything went well."""
        return not any(step.trouble for step in self.steps)


def target(service: Client, name: str) -> Live:
    """Return the live credential of this exact name; raises Faulty KT470."""
    kind = KINDS["credential"]
    found = [kind.decode(each) for each in service.records(kind.collection).records]
    named = [each for each in found if each.address.name == name and each.status != "deleted"]
    if len(named) == 1:
        return named[0]
    message = (
        f"there is no live credential {name}"
        if not named
        else f"{name} is the name of {counted(len(named), 'credential')}"
    )
    raise Faulty(
        Diagnostic(
            code="KT470",
            severity=Severity.ERROR,
            message=message,
            origin=Origin("workspace"),
            hint="write it as Planasonix shows it; a key with fewer rights may not see it",
        )
    )


def revoke(service: Client, credential: Live, open_run: Callable[[], Run]) -> Revocation:
    """Detach a credential from every connection and soft-delete it; goes on whatever fails.

    ``open_run`` gives the run whose journal records it. A lock that is held, and a store or a ledger that
    cannot be used, do not stop the revocation.
    """
    record = _Record()
    steps: tuple[Step, ...] = ()
    try:
        run = open_run()
        with exclusive_run(run, "revoke") as held:
            record = _Record(held.begin_journal(held.read_ledger()), run.fresh)
            steps = _revoke(service, credential, record)
            held.end_journal(Counter(_ending(step).value for step in steps))
    except Faulty as faulty:
        record.fail(faulty)
    return Revocation(credential, steps or _revoke(service, credential, record), record.trouble)


class _Record:
    """Journals steps as long as the journal can be written; ``trouble`` says why it cannot."""

    def __init__(self, journal: Journal | None = None, fresh: Callable[[], str] = str) -> None:
        self._journal, self._fresh = journal, fresh
        self.trouble = ""

    def fail(self, faulty: Faulty) -> None:
        """Journal nothing more."""
        self._journal = None
        self.trouble = self.trouble or faulty.findings[0].message

    def perform(self, target: Live, deed: str, send: Callable[[], str]) -> Step:
        """Journal a step, make it, and journal its end; ``send`` returns what is wrong after a yes."""
        intent = Intent(id=self._fresh(), op=deed, address=target.address, action="revoke", object=target.id)
        self._append(intent)
        step, where = Step(address=target.address, deed=deed), ""
        try:
            step = replace(step, trouble=send())
        except ServiceError as error:
            # Where reading back fails, the write before it may have been applied.
            unknown = error.may_be_applied or error.method in READS
            step = replace(step, trouble=error.message, may_be_applied=unknown)
            where = error.where
        end = Finished(
            intent=intent.id,
            address=target.address,
            action="revoke",
            ending=_ending(step),
            message=where,
        )
        self._append(end)
        return step

    def _append(self, event: Intent | Finished) -> None:
        journal = self._journal
        if journal is None:
            return
        try:
            journal.append(event)
        except Faulty as faulty:
            self.fail(faulty)


def _ending(step: Step) -> Ending:
    if not step.trouble:
        return Ending.DONE
    return Ending.UNSURE if step.may_be_applied else Ending.FAILED


def _revoke(service: Client, credential: Live, record: _Record) -> tuple[Step, ...]:
    kind = KINDS["connection"]
    listed = [kind.decode(each) for each in service.records(kind.collection).records]
    users = [each for each in listed if credential.id in each.fields.values()]

    def detach(user: Live) -> Step:
        return record.perform(user, "detach", lambda: _detach(service, user, credential))

    steps = side_by_side(detach, users, DETACHERS)
    return (*steps, record.perform(credential, "soft-delete", lambda: _delete(service, credential)))


def _detach(service: Client, user: Live, credential: Live) -> str:
    kind = KINDS["connection"]
    now = kind.decode(service.fetch(kind.collection, user.id))
    service.update(kind.collection, now.id, _without(now, credential.id), idempotent=True)
    back = kind.decode(service.fetch(kind.collection, now.id))
    return "the service still shows it attached" if credential.id in back.fields.values() else ""


def _without(now: Live, identity: str) -> Mapping[str, object]:
    config = {path[1:]: leaf for path, leaf in now.fields.items() if path[0] == "config" and leaf != identity}
    return {"name": now.address.name, "config": nest(config), "credentialId": None}


def _delete(service: Client, credential: Live) -> str:
    try:
        service.retire("credentials", credential.id, idempotent=True)
        after = KINDS["credential"].decode(service.fetch("credentials", credential.id))
    except Absent:
        return ""
    return "" if after.status == "deleted" else "the service still shows it active"
