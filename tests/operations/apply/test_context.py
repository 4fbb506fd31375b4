"""The bracket around every write."""

import pytest
from msgspec.structs import replace

from keyturn.client.errors import OutcomeUnknown, RequestRejected, ServiceError, Throttled
from keyturn.client.messages import Request
from keyturn.model.change import Action, Change, OutcomeStatus
from keyturn.operations.apply.context import ApplyStopped
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.journal_record import read_journal_records
from keyturn.state.reader import load_state
from making import credential, held, wanted

DB = credential("prod-db")
CHANGE = Change(action=Action.UPDATE, address=DB, desired=wanted(DB, secrets={"password": "x"}))
CALL = Request(
    method="PUT", path="/api/credentials/1", path_template="/api/credentials/{id}", operation="update"
)


def written(desk, kind):
    """Return the events of one kind in the journal."""
    desk.journal.append(
        OutcomeRecorded(intent="", address=DB, action="flush", outcome_status=OutcomeStatus.DONE)
    )
    events = [record.event for record in read_journal_records(desk.run.store.open_log().read(0))]
    return [each for each in events if isinstance(each, kind) and getattr(each, "action", "") != "flush"]


def failing(error, *, may_be_applied=False):
    """Return a request that raises ``error``."""

    def send():
        error.may_be_applied |= may_be_applied
        raise error

    return send


def test_the_intent_is_on_disk_before_anything_is_sent(desk):
    """With the digest of the file and the fingerprints of what will be sent."""
    intent = desk.record_intent(CHANGE, "update", object="id1")
    (found,) = written(desk, Intent)
    assert found == intent
    assert (found.digest, found.object, found.address) == ("d1", "id1", DB)
    assert set(found.fingerprints) == {("password",)}


def test_without_leave_nothing_is_begun(desk):
    """A lost lock, an interrupt: no intent, so no request."""
    with pytest.raises(ApplyStopped):
        replace(desk, may_write=lambda: False).record_intent(CHANGE, "update")
    assert written(desk, Intent) == []


def test_a_finished_intent_is_in_the_state(desk):
    """Entry in, former name out, intent closed."""
    entry = held(wanted(DB), "id1")
    desk.record_success(desk.record_intent(CHANGE, "update", object="id1"), entry, (credential("old"),))
    (end,) = written(desk, OutcomeRecorded)
    assert (end.outcome_status, end.entry, end.removed) == (OutcomeStatus.DONE, entry, (credential("old"),))
    assert desk.entries["id1"] == entry
    run = desk.run
    state = load_state(run.store, run.workspace.name, run.workspace.organization).state
    assert state.find_entry(DB).id == "id1"
    assert state.open_intents == ()


@pytest.mark.parametrize(
    ("send", "ending"),
    [
        (failing(RequestRejected(CALL)), OutcomeStatus.FAILED),
        (failing(Throttled(CALL)), OutcomeStatus.FAILED),
        (failing(OutcomeUnknown(CALL)), OutcomeStatus.UNKNOWN),
        (failing(RequestRejected(CALL), may_be_applied=True), OutcomeStatus.UNKNOWN),
    ],
    ids=["refused", "busy", "unknown", "refused after an unknown outcome"],
)
def test_an_intent_stays_open_where_the_write_may_be_applied(desk, send, ending):
    """The next run looks; what certainly was not applied is closed. Nothing is sent a second time here."""
    with pytest.raises(ServiceError):
        desk.send_write(desk.record_intent(CHANGE, "update"), send)
    assert [each.outcome_status for each in written(desk, OutcomeRecorded)] == [ending]


def test_a_write_that_succeeds_returns_its_answer(desk):
    """The end is journaled by the caller, who knows the entry."""
    assert desk.send_write(desk.record_intent(CHANGE, "update"), lambda: "done") == "done"
    assert written(desk, OutcomeRecorded) == []


def test_fingerprints_are_bound_to_their_place(desk):
    """The same secret elsewhere has another one; nothing opened, nothing fingerprinted, no key read."""

    def no_key():
        raise AssertionError

    there = wanted(credential("prod-dc"), secrets={"password": "x"})
    assert desk.fingerprint_secrets(CHANGE.desired) != desk.fingerprint_secrets(there)
    assert desk.fingerprint_secrets(CHANGE.desired) == desk.fingerprint_secrets(CHANGE.desired)
    assert (
        replace(desk, fingerprint_key=no_key).fingerprint_secrets(
            wanted(DB, secrets={"p": "x"}, opened=False)
        )
        == {}
    )


def test_a_claim_is_remembered(desk):
    """An object belongs to one change."""
    assert desk.claim_id("id1")
    assert not desk.claim_id("id1")
