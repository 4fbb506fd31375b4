"""The bracket around every write."""

import pytest
from msgspec.structs import replace

from keyturn.api.call import Call
from keyturn.api.errors import Busy, Refused, ServiceError, Unsure
from keyturn.core.change import Action, Change
from keyturn.core.outcome import Ending
from keyturn.engine.desk import Halt
from keyturn.ledger.event import Finished, Intent
from keyturn.ledger.reading import read_ledger
from keyturn.ledger.record import read
from making import credential, held, wanted

DB = credential("prod-db")
CHANGE = Change(action=Action.UPDATE, address=DB, desired=wanted(DB, secrets={"password": "x"}))
CALL = Call(method="PUT", path="/api/credentials/1", template="/api/credentials/{id}", verb="update")


def written(desk, kind):
    """Return the events of one kind in the journal."""
    desk.journal.append(Finished(intent="", address=DB, action="flush", ending=Ending.DONE))
    events = [record.event for record in read(desk.run.store.tape().read(0))]
    return [each for each in events if isinstance(each, kind) and getattr(each, "action", "") != "flush"]


def failing(error, *, may_be_applied=False):
    """Return a request that raises ``error``."""

    def send():
        error.may_be_applied |= may_be_applied
        raise error

    return send


def test_the_intent_is_on_disk_before_anything_is_sent(desk):
    """With the digest of the file and the fingerprints of what will be sent."""
    intent = desk.intend(CHANGE, "update", object="id1")
    (found,) = written(desk, Intent)
    assert found == intent
    assert (found.digest, found.object, found.address) == ("d1", "id1", DB)
    assert set(found.fingerprints) == {("password",)}


def test_without_leave_nothing_is_begun(desk):
    """A lost lock, an interrupt: no intent, so no request."""
    with pytest.raises(Halt):
        replace(desk, allowed=lambda: False).intend(CHANGE, "update")
    assert written(desk, Intent) == []


def test_a_finished_intent_is_in_the_ledger(desk):
    """Entry in, former name out, intent closed."""
    entry = held(wanted(DB), "id1")
    desk.finish(desk.intend(CHANGE, "update", object="id1"), entry, (credential("old"),))
    (end,) = written(desk, Finished)
    assert (end.ending, end.entry, end.gone) == (Ending.DONE, entry, (credential("old"),))
    assert desk.entries["id1"] == entry
    run = desk.run
    ledger = read_ledger(run.store, run.workspace.name, run.workspace.organization).ledger
    assert ledger.find(DB).id == "id1"
    assert ledger.open == ()


@pytest.mark.parametrize(
    ("send", "ending"),
    [
        (failing(Refused(CALL)), Ending.FAILED),
        (failing(Busy(CALL)), Ending.FAILED),
        (failing(Unsure(CALL)), Ending.UNSURE),
        (failing(Refused(CALL), may_be_applied=True), Ending.UNSURE),
    ],
    ids=["refused", "busy", "unknown", "refused after an unknown outcome"],
)
def test_an_intent_stays_open_where_the_write_may_be_applied(desk, send, ending):
    """The next run looks; what certainly was not applied is closed. Nothing is sent a second time here."""
    with pytest.raises(ServiceError):
        desk.send_write(desk.intend(CHANGE, "update"), send)
    assert [each.ending for each in written(desk, Finished)] == [ending]


def test_a_write_that_succeeds_returns_its_answer(desk):
    """The end is journaled by the caller, who knows the entry."""
    assert desk.send_write(desk.intend(CHANGE, "update"), lambda: "done") == "done"
    assert written(desk, Finished) == []


def test_fingerprints_are_bound_to_their_place(desk):
    """The same secret elsewhere has another one; nothing opened, nothing fingerprinted, no key read."""

    def no_key():
        raise AssertionError

    there = wanted(credential("prod-dc"), secrets={"password": "x"})
    assert desk.prints(CHANGE.desired) != desk.prints(there)
    assert desk.prints(CHANGE.desired) == desk.prints(CHANGE.desired)
    assert replace(desk, key=no_key).prints(wanted(DB, secrets={"p": "x"}, opened=False)) == {}


def test_a_claim_is_remembered(desk):
    """An object belongs to one change."""
    assert desk.claim("id1")
    assert not desk.claim("id1")
