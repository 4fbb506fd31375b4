"""ledger.json of keyturn 0.1 is read, and the first write replaces it by state.json."""

import pytest

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import storage_error
from keyturn.state.document import OLD_STATE_KEY, STATE_KEY, State, decode_state, encode_state
from keyturn.state.events import OutcomeRecorded
from keyturn.state.journal import open_journal
from keyturn.state.reader import compact_journal, load_state
from keyturn.state.stores.base import NO_ETAG

X, Y = Address("credential", "x"), Address("credential", "y")


class Killed(BaseException):
    """The process ends."""


class InterceptedStore:
    """A store whose writes can be intercepted."""

    def __init__(self, store, **methods):
        self._store = store
        vars(self).update(methods)

    def __getattr__(self, name):
        return getattr(self._store, name)


def die(*_):
    """End the process."""
    raise Killed


def put_document(store, key, serial, *entries):
    """Write a document."""
    state = State(workspace="prod", organization="org_1", serial=serial).with_entry(*entries)
    store.put(key, encode_state(state), NO_ETAG)


@pytest.fixture
def old_store(store, known):
    """A store that keyturn 0.1 wrote."""
    put_document(store, OLD_STATE_KEY, 7, known("credential/x"))
    return store


def begin(store, clock, known):
    """Load the state and record a new entry in the journal."""
    loaded = load_state(store, "prod", "org_1")
    journal = open_journal(store, loaded.state, loaded.torn, clock)
    entry = known("credential/y")
    journal.append(
        OutcomeRecorded(
            intent="i", address=Y, action="create", outcome_status=OutcomeStatus.DONE, entry=entry
        )
    )
    return loaded, journal


def is_replaced(store):
    """Tell whether only state.json exists."""
    return store.read(OLD_STATE_KEY) is None and store.read(STATE_KEY) is not None


def test_the_old_document_is_read_and_left_alone(old_store):
    """A plan changes nothing in the store."""
    loaded = load_state(old_store, "prod", "org_1")
    assert (set(loaded.state.entries), loaded.state.serial, loaded.diagnostics) == ({X}, 7, ())
    assert (loaded.etag, loaded.has_old_document) == (NO_ETAG, True)
    assert old_store.read(STATE_KEY) is None


def test_the_first_write_replaces_the_old_document(old_store, clock, known):
    """state.json has the old entries and the new ones; ledger.json is deleted."""
    compact_journal(old_store, *begin(old_store, clock, known))
    assert is_replaced(old_store)
    loaded = load_state(old_store, "prod", "org_1")
    assert (set(loaded.state.entries), loaded.state.serial, loaded.diagnostics) == ({X, Y}, 8, ())
    assert not loaded.has_old_document


@pytest.mark.parametrize("moment", ["before put", "after put", "before delete", "after delete"])
def test_a_kill_at_any_moment_loses_nothing(old_store, clock, known, moment):
    """The next run reads everything and completes the replacement."""
    loaded, journal = begin(old_store, clock, known)
    when, name = moment.split()

    def run_and_die(*given):
        getattr(old_store, name)(*given)
        raise Killed

    dying = InterceptedStore(old_store, **{name: die if when == "before" else run_and_die})
    with pytest.raises(Killed):
        compact_journal(dying, loaded, journal)
    again = load_state(old_store, "prod", "org_1")
    assert (set(again.state.entries), again.diagnostics) == ({X, Y}, ())
    compact_journal(old_store, again, open_journal(old_store, again.state, again.torn, clock))
    assert is_replaced(old_store)
    assert set(load_state(old_store, "prod", "org_1").state.entries) == {X, Y}


@pytest.mark.parametrize("serial", [7, 8])
def test_of_two_documents_the_new_one_counts(old_store, known, serial):
    """state.json takes precedence if its serial is not lower."""
    put_document(old_store, STATE_KEY, serial, known("credential/y"))
    loaded = load_state(old_store, "prod", "org_1")
    assert (set(loaded.state.entries), loaded.state.serial, loaded.has_old_document) == ({Y}, serial, True)


def test_an_old_document_that_is_newer_is_refused(old_store, assert_refused):
    """Keyturn 0.1 wrote after the replacement: the error names both documents."""
    put_document(old_store, STATE_KEY, 6)
    with assert_refused("KT614") as found:
        load_state(old_store, "prod", "org_1")
    assert found[0].origin.file.endswith("/ledger.json")
    assert "ledger.json is document 7 and state.json document 6" in found[0].message
    assert "remove state.json" in found[0].hint


def test_a_damaged_old_document_is_named(store, assert_refused):
    """The error has the name of the file."""
    store.put(OLD_STATE_KEY, b"{}", NO_ETAG)
    with assert_refused("KT600") as found:
        load_state(store, "prod", "org_1")
    assert found[0].origin.file.endswith("/ledger.json")


def test_a_document_of_another_run_is_not_overwritten(old_store, clock, known, assert_refused):
    """state.json is only created, never overwritten, and ledger.json stays."""
    loaded, journal = begin(old_store, clock, known)
    put_document(old_store, STATE_KEY, 8)
    with assert_refused("KT606"):
        compact_journal(old_store, loaded, journal)
    assert old_store.read(OLD_STATE_KEY)
    assert decode_state(old_store.read(STATE_KEY).data, "here", "prod", "org_1").entries == {}


def test_without_permission_to_delete_the_old_document_stays(old_store, clock, known):
    """The run succeeds, and state.json counts from then on."""
    loaded, journal = begin(old_store, clock, known)

    def refuse(_):
        raise storage_error("KT605", "here", "access is denied", "allow it")

    compact_journal(InterceptedStore(old_store, delete=refuse), loaded, journal)
    assert old_store.read(OLD_STATE_KEY)
    assert set(load_state(old_store, "prod", "org_1").state.entries) == {X, Y}


@pytest.mark.parametrize("first", [OLD_STATE_KEY, STATE_KEY])
def test_a_replacement_during_a_read_is_no_empty_state(old_store, clock, known, first):
    """A plan beside the first apply reads either document."""
    writes = []

    def read(key):
        found = old_store.read(key)
        if key == first and not writes:
            writes.append(key)
            compact_journal(old_store, *begin(old_store, clock, known))
        return found

    loaded = load_state(InterceptedStore(old_store, read=read), "prod", "org_1")
    assert (set(loaded.state.entries), loaded.diagnostics) == ({X, Y}, ())
