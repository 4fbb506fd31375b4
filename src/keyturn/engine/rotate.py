"""Rotation: nothing that runs gets a secret that was not tried first.

Under ``verify`` a credential with the new secrets is made for the test, every connection that
uses the real one is tested against it, and only when all pass the real one is written, in place,
so that its id stays. One test fails, and nothing that runs was touched.
"""

from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from keyturn.api.errors import Absent, ServiceError, Unsure
from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.outcome import Ending
from keyturn.core.resource import Desired, Live
from keyturn.engine.desk import Desk, Stale
from keyturn.engine.generations import take_over
from keyturn.engine.probe import Trial, Verdict, dependents, run_tests
from keyturn.engine.recover import PROBE
from keyturn.engine.rollback import roll_back
from keyturn.engine.work import ANOTHER, Written, look, update
from keyturn.kinds import KINDS
from keyturn.ledger.event import Intent


class Rejected(Exception):  # noqa: N818
    """Raised where a test says no.

    ``after`` says what was done about it where what runs already had the new secrets; it is empty
    where nothing was touched.
    """

    def __init__(self, verdicts: list[Verdict], after: str = "") -> None:
        failed = [each for each in verdicts if not each.passed]
        told = "; ".join(f"{each.address}: {each.message or 'no reason given'}" for each in failed)
        super().__init__(told)
        self.message = told
        self.after = after


def rotate(change: Change, desk: Desk) -> Written:
    """Rotate the secrets of a credential by the strategy of its manifest; raises Rejected."""
    if change.desired is None or change.live is None:
        message = "a rotation without a manifest or a live object"
        raise ValueError(message)
    trials = dependents(change, change.live.id, desk) if desk.tests else []
    strategy = "in_place" if change.desired.type == "oauth" else change.desired.lifecycle.strategy
    if trials and strategy == "replace":
        taken, verdicts = take_over(change, trials, desk)
        if taken is None:
            raise Rejected(verdicts)
        return taken
    if trials and strategy == "verify":
        _rehearse(change, change.desired, change.live, trials, desk)
    return update(change, desk, lambda intent: _confirm(change, trials, intent, desk))


def _confirm(change: Change, trials: list[Trial], intent: Intent, desk: Desk) -> None:
    verdicts = run_tests(trials, desk)
    if all(each.passed for each in verdicts):
        return
    told, restored = roll_back(change, trials, desk)
    if restored:
        desk.drop(intent, Ending.FAILED, "rolled back")
    raise Rejected(verdicts, told)


def _rehearse(change: Change, desired: Desired, live: Live, trials: list[Trial], desk: Desk) -> None:
    kind = KINDS["credential"]
    name = f"{PROBE}{desk.run.fresh()[:12]}"
    stand_in = replace(desired, address=Address("credential", name))
    intent = desk.intend(change, "probe", expect=name)
    identity = _make(intent, kind.encode(stand_in, desk.ids), desk)
    try:
        verdicts = run_tests(trials, desk, {live.id: identity})
    finally:
        purge(intent, identity, desk)
    if not all(each.passed for each in verdicts):
        raise Rejected(verdicts)


def _make(intent: Intent, body: dict[str, object], desk: Desk) -> str:
    try:
        made = desk.run.service.create("credentials", body)
    except Unsure as error:
        return _found(intent, desk, error)
    except ServiceError as error:
        desk.drop(intent, Ending.FAILED, error.where)
        raise
    if made.name != intent.expect:
        return _found(intent, desk, Stale(ANOTHER))
    return made.id


def _found(intent: Intent, desk: Desk, doubt: Exception) -> str:
    found = look(replace(intent, address=Address("credential", intent.expect)), KINDS["credential"], desk)
    if len(found) != 1:
        raise doubt
    return found[0].id


def purge(intent: Intent, identity: str, desk: Desk, *, again: bool = False) -> None:
    """Delete a probe for good, and end its intent; what fails stays open for the next run.

    Only who asks ``again`` takes "there is none" for an answer: what was just made is there.
    """
    service = desk.run.service
    if not desk.allowed():
        return
    try:
        # With its id on record, a probe is found again even in the trash.
        intent = replace(intent, object=identity)
        desk.journal.append(intent)
        for send in (partial(service.retire, "credentials"), service.purge):
            with suppress(*(Absent,) * again):
                send(identity, idempotent=True)
    except ServiceError:
        return
    desk.finish(intent)


def tested(change: Change, desk: Desk) -> Verdict | None:
    """Test the connection that a change wrote, with the credential that it now uses."""
    if change.address.kind != "connection" or not desk.tests or change.desired is None:
        return None
    fields = {
        path: desk.ids.get(leaf, leaf) if isinstance(leaf, Address) else leaf
        for path, leaf in change.desired.fields.items()
    }
    (verdict,) = run_tests(
        [Trial(change.address, desk.ids[change.address], change.desired.type, fields)], desk
    )
    return verdict
