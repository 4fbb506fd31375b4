"""Journal records around each write."""

import pytest
from msgspec.structs import replace

from keyturn.client.errors import OutcomeUnknown, RequestRejected, ServiceError, Throttled
from keyturn.client.messages import Request
from keyturn.model.change import Action, Change, OutcomeStatus
from keyturn.operations.apply.context import ApplyStopped
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.journal_record import read_journal_records
from keyturn.state.reader import load_state
from sample_resources import credential_address, make_desired, make_state_entry

DB = credential_address("prod-db")
CHANGE = Change(action=Action.UPDATE, address=DB, desired=make_desired(DB, secrets={"password": "x"}))
CALL = Request(
    method="PUT", path="/api/credentials/1", path_template="/api/credentials/{id}", operation="update"
)


def written(context, kind):
    """Return the events of one kind in the journal."""
    context.journal.append(
        OutcomeRecorded(intent="", address=DB, action="flush", outcome_status=OutcomeStatus.DONE)
    )
    events = [record.event for record in read_journal_records(context.run.store.open_log().read(0))]
    return [each for each in events if isinstance(each, kind) and getattr(each, "action", "") != "flush"]


def failing(error, *, may_be_applied=False):
    """Return a request that raises ``error``."""

    def send():
        error.may_be_applied |= may_be_applied
        raise error

    return send


def test_an_intent_is_durable_when_it_is_returned(context):
    """It has the digest of the file and the fingerprints of the secrets."""
    intent = context.record_intent(CHANGE, "update", object="id1")
    (found,) = written(context, Intent)
    assert found == intent
    assert (found.digest, found.object, found.address) == ("d1", "id1", DB)
    assert set(found.fingerprints) == {("password",)}


def test_no_intent_if_writes_are_stopped(context):
    """A lost lock or an interrupt: no intent, so no request."""
    with pytest.raises(ApplyStopped):
        replace(context, may_write=lambda: False).record_intent(CHANGE, "update")
    assert written(context, Intent) == []


def test_record_success_updates_the_state(context):
    """The entry is added, the former name removed, the intent closed."""
    entry = make_state_entry(make_desired(DB), "id1")
    context.record_success(
        context.record_intent(CHANGE, "update", object="id1"), entry, (credential_address("old"),)
    )
    (end,) = written(context, OutcomeRecorded)
    assert (end.outcome_status, end.entry, end.removed) == (
        OutcomeStatus.DONE,
        entry,
        (credential_address("old"),),
    )
    assert context.entries["id1"] == entry
    run = context.run
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
def test_an_intent_stays_open_if_the_write_may_be_applied(context, send, ending):
    """A write that was certainly not applied closes its intent."""
    with pytest.raises(ServiceError):
        context.send_write(context.record_intent(CHANGE, "update"), send)
    assert [each.outcome_status for each in written(context, OutcomeRecorded)] == [ending]


def test_send_write_returns_the_response(context):
    """The caller records the success, because it has the entry."""
    assert context.send_write(context.record_intent(CHANGE, "update"), lambda: "done") == "done"
    assert written(context, OutcomeRecorded) == []


def test_fingerprints_depend_on_the_address(context):
    """The same secret elsewhere has another fingerprint; without decrypted secrets no key is read."""

    def no_key():
        raise AssertionError

    there = make_desired(credential_address("prod-dc"), secrets={"password": "x"})
    assert context.fingerprint_secrets(CHANGE.desired) != context.fingerprint_secrets(there)
    assert context.fingerprint_secrets(CHANGE.desired) == context.fingerprint_secrets(CHANGE.desired)
    assert (
        replace(context, fingerprint_key=no_key).fingerprint_secrets(
            make_desired(DB, secrets={"p": "x"}, opened=False)
        )
        == {}
    )


def test_an_id_is_claimed_once(context):
    """An object belongs to one change."""
    assert context.claim_id("id1")
    assert not context.claim_id("id1")
