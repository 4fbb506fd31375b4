"""The signed store: what keyturn wrote is accepted; what anybody else wrote is refused."""

from datetime import UTC, datetime

import pytest

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import Cause, DiagnosticError
from keyturn.model.resource import StateEntry
from keyturn.state.document import STATE_KEY, encode_state
from keyturn.state.events import OutcomeRecorded, RunStarted
from keyturn.state.journal import open_journal
from keyturn.state.lock import LockHolder, acquire_lock
from keyturn.state.reader import compact_journal, load_state
from keyturn.state.stores import open_store
from keyturn.state.stores.signed import SignedStore
from keyturn.trust.signing import SigningKey

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(32))
CLOCK = RunClock(now=lambda: datetime(2026, 1, 2, tzinfo=UTC), monotonic=lambda: 0.0)
ENTRY = StateEntry(
    address=Address("credential", "a"), id="cred_1", type="aws", digest="", applied={}, observed={},
    fingerprints={}, updated_at="",
)  # fmt: skip

OUTCOME = OutcomeRecorded(
    intent="", address=ENTRY.address, action="adopt", outcome_status=OutcomeStatus.DONE, entry=ENTRY
)


@pytest.fixture
def plain(tmp_path):
    """Return a store in a folder."""
    return open_store("file:state", tmp_path, {})


def sign(store, key=KEY, **options):
    """Return the store with signatures of a key."""
    return SignedStore(store, "prod", key.public_key, lambda: key, **options)


def start():
    """Return the first event of a run."""
    return RunStarted(
        run="r", command="apply", workspace="prod", organization="org", who="w", host="h", commit="", tool=""
    )


def write_run(store, *, compact=True):
    """Write what an apply writes: records, and the document at its end."""
    loaded = load_state(store, "prod", "org")
    journal = open_journal(store, loaded.state, loaded.torn, CLOCK)
    journal.append(start())
    journal.append(OUTCOME)
    return compact_journal(store, loaded, journal) if compact else None


def reason(store):
    """Return the code of the error of a read."""
    with pytest.raises(DiagnosticError) as caught:
        load_state(store, "prod", "org")
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize("compact", [True, False])
def test_what_a_key_holder_wrote_is_read(plain, compact):
    """Also the records of a run that died before it wrote the document."""
    write_run(sign(plain), compact=compact)
    write_run(sign(plain), compact=compact)
    assert load_state(sign(plain), "prod", "org").state.entries == {ENTRY.address: ENTRY}
    if not compact:
        lines = [line.data for line in plain.open_log().read(0)]
        assert all(b'","signature":"' in line for line in lines)


def test_another_key_is_refused(plain):
    """A state that is signed by somebody else is not that of this workspace."""
    write_run(sign(plain))
    found = reason(sign(plain, OTHER))
    assert (found.code, found.cause) == ("KT627", Cause.TAMPERING)
    assert "sign-state" in found.hint


def test_an_unsigned_document_is_refused(plain):
    """Whoever can write the store can write a document with a right digest."""
    write_run(sign(plain))
    state = load_state(sign(plain), "prod", "org").state
    forged = state.with_entry(ENTRY)
    plain.put(STATE_KEY, encode_state(forged), plain.read(STATE_KEY).etag)
    assert reason(sign(plain)).message.startswith("the state is not signed")


def test_an_unsigned_record_is_refused(plain):
    """A record that continues the chain without the key changes nothing."""
    write_run(sign(plain))
    loaded = load_state(plain, "prod", "org")
    open_journal(plain, loaded.state, 0, CLOCK).append(OUTCOME)
    assert reason(sign(plain)).message.startswith("the journal is not signed")


def test_an_older_state_is_signed_once(plain):
    """A state from before the key is refused until a key holder has signed it."""
    write_run(plain)
    assert reason(sign(plain)).code == "KT627"
    write_run(sign(plain, accepts_unsigned=True))
    assert load_state(sign(plain), "prod", "org").state.entries == {ENTRY.address: ENTRY}


def test_a_torn_line_is_removed_as_ever(plain, tmp_path):
    """An incomplete line has no signature; the next run removes it."""
    write_run(sign(plain), compact=False)
    path = tmp_path / "state/journal.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    loaded = load_state(sign(plain), "prod", "org")
    assert loaded.torn > 0
    write_run(sign(plain))
    assert load_state(sign(plain), "prod", "org").torn == 0


def test_a_missing_key_stops_the_first_write(plain):
    """Nothing is written, and the error is that of the key."""

    def refuse():
        message = "no key"
        raise LookupError(message)

    store = SignedStore(plain, "prod", KEY.public_key, refuse)
    with pytest.raises(LookupError):
        write_run(store)
    assert list(plain.open_log().read(0)) == []


def test_the_lock_is_not_signed(plain):
    """A lock protects nothing from its thief, and `unlock` needs no key."""
    store = sign(plain)
    holder = LockHolder(id="1", who="w", host="h", url="", commit="", ttl=60.0)
    acquire_lock(store, holder, CLOCK).release()
    assert store.location == plain.location
    assert store.list_keys("") == plain.list_keys("")
    assert not store.is_holder_dead("1")
    assert store.current_time().tzinfo
