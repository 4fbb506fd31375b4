"""The current state from document and journal, also after damage of either."""

import random
import subprocess
import sys

import pytest

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.state import document
from keyturn.state.events import Intent, OutcomeRecorded, RunStarted, encode_event
from keyturn.state.journal import open_journal
from keyturn.state.journal_record import encode_journal_record, read_journal_records, verify_chain
from keyturn.state.reader import compact_journal, load_state
from keyturn.state.stores.base import NO_ETAG

JOURNAL = "journal.jsonl"

WORK = """
import itertools, sys, threading, time
from datetime import UTC, datetime
from pathlib import Path
from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.resource import StateEntry
from keyturn.model.clock import RunClock
from keyturn.state.events import Intent, OutcomeRecorded
from keyturn.state.journal import open_journal
from keyturn.state.reader import compact_journal, load_state
from keyturn.state.stores import open_store
root, base = Path(sys.argv[1]), int(sys.argv[2])
store = open_store("file:.keyturn/prod", root, {})
reading = load_state(store, "prod", "org_1")
clock = RunClock(lambda: datetime.now(UTC), time.monotonic)
journal = open_journal(store, reading.state, reading.torn, clock)
said = threading.Lock()
def work(worker):
    for turn in itertools.count(base):
        name = f"{worker}-{turn}"
        address = Address("credential", name)
        journal.append(Intent(id=name, operation="create", address=address, action="create"))
        empty = dict.fromkeys(("applied", "observed", "fingerprints"), {})
        entry = StateEntry(address=address, id=name, type="t", digest="", updated_at="", **empty)
        done = {"address": address, "action": "create", "outcome_status": OutcomeStatus.DONE, "entry": entry}
        journal.append(OutcomeRecorded(intent=name, **done))
        with said:
            print(name, flush=True)
for worker in range(3):
    threading.Thread(target=work, args=(worker,), daemon=True).start()
for turn in itertools.count():
    time.sleep(0.004)
    reading = compact_journal(store, reading, journal)
"""


def address(number):
    """Return the address of this number."""
    return Address("credential", f"r{number}")


def opened(store, clock):
    """Return the loaded state and its journal."""
    reading = load_state(store, "prod", "org_1")
    return reading, open_journal(store, reading.state, reading.torn, clock)


@pytest.fixture
def done(known):
    """Return a function that makes the outcome with the entry of a number."""

    def make(number, **changes):
        entry = known(f"credential/r{number}", **changes)
        return OutcomeRecorded(
            intent=f"i{number}",
            address=entry.address,
            action="create",
            outcome_status=OutcomeStatus.DONE,
            entry=entry,
        )

    return make


def intent(number):
    """Return the intent of this number."""
    return Intent(id=f"i{number}", operation="create", address=address(number), action="create")


def codes(reading):
    """Return the codes of the diagnostics."""
    return [finding.code for finding in reading.diagnostics]


def run(store, clock, done, numbers):
    """Record entries and compact the journal, as an apply does."""
    reading, journal = opened(store, clock)
    for number in numbers:
        journal.append(intent(number))
        journal.enqueue(done(number))
    return compact_journal(store, reading, journal)


def test_an_empty_store_has_an_empty_state(store):
    """A first plan needs no state."""
    reading = load_state(store, "prod", "org_1")
    assert (reading.state.entries, reading.etag, reading.diagnostics) == ({}, NO_ETAG, ())


def test_a_compacted_document_is_read(store, clock, done):
    """It has all entries; of the journal, only the last record is read."""
    written = run(store, clock, done, range(3))
    again = load_state(store, "prod", "org_1")
    assert again.state.entries == written.state.entries
    assert set(again.state.entries) == {address(0), address(1), address(2)}
    assert (again.state.serial, again.etag, again.diagnostics) == (1, written.etag, ())
    tail = [line.data for line in store.open_log().read(again.state.position.mark)]
    assert len(tail) == 1


def test_the_journal_completes_the_document(store, clock, done):
    """A crash before the document is written loses nothing, open intents included."""
    run(store, clock, done, range(2))
    _, journal = opened(store, clock)
    journal.append(intent(2))
    journal.append(done(2))
    journal.append(done(0, id="new"))
    journal.append(intent(3))
    reading = load_state(store, "prod", "org_1")
    assert set(reading.state.entries) == {address(number) for number in range(3)}
    assert reading.state.find_entry(address(0)).id == "new"
    assert [each.id for each in reading.state.open_intents] == ["i3"]
    assert (reading.state.serial, reading.diagnostics) == (1, ())


@pytest.mark.parametrize("is_compacted", [True, False], ids=["in the document", "in the journal"])
def test_two_entries_with_one_id_are_refused(store, clock, done, assert_refused, is_compacted):
    """Each of them would be written to the object of the other; the error names both."""
    reading, journal = opened(store, clock)
    journal.append(done(1, id="same"))
    journal.append(done(2, id="same"))
    if is_compacted:
        compact_journal(store, reading, journal)
    with assert_refused("KT600") as found:
        load_state(store, "prod", "org_1")
    assert all(str(address(number)) in found[0].message for number in (1, 2))


def test_a_tombstone_may_have_the_id_of_another_entry(store, clock, done):
    """The object was restored in the UI and imported under another name."""
    _, journal = opened(store, clock)
    journal.append(done(1, id="same", retired_at="2026-03-09T12:00:00Z"))
    journal.append(done(2, id="same"))
    assert len(load_state(store, "prod", "org_1").state.entries) == 2


def test_open_intents_survive_compaction(store, clock):
    """They stay open until their outcome is recorded."""
    reading, journal = opened(store, clock)
    journal.append(intent(1))
    reading = compact_journal(store, reading, journal)
    reading = compact_journal(store, reading, journal)
    assert reading.state.serial == 2
    reading, journal = opened(store, clock)
    assert [each.id for each in reading.state.open_intents] == ["i1"]
    journal.append(
        OutcomeRecorded(intent="i1", address=address(1), action="create", outcome_status=OutcomeStatus.FAILED)
    )
    assert compact_journal(store, reading, journal).state.open_intents == ()


def test_a_document_of_another_run_is_not_overwritten(store, clock, done, assert_refused):
    """The write is a compare-and-swap; the journal is complete."""
    reading, journal = opened(store, clock)
    journal.append(done(1))
    theirs = document.encode_state(document.State(workspace="prod", organization="org_1", serial=9))
    store.put(document.STATE_KEY, theirs, NO_ETAG)
    with assert_refused("KT606"):
        compact_journal(store, reading, journal)
    assert store.read(document.STATE_KEY).data == theirs


class Without:
    """A store without its document."""

    def __init__(self, store):
        self.location, self.open_log = store.location, store.open_log

    def read(self, _):
        """Return None for every key."""


def test_a_lost_document_is_rebuilt_from_the_journal(store, clock, done):
    """The journal contains the whole state."""
    written = run(store, clock, done, range(5))
    reading = load_state(Without(store), "prod", "org_1")
    assert reading.state.entries == written.state.entries
    assert codes(reading) == ["KT623"]


def test_a_restored_older_document_is_completed_with_a_warning(store, clock, done):
    """The journal has the newer entries."""
    run(store, clock, done, range(2))
    old = store.read(document.STATE_KEY)
    newer = run(store, clock, done, range(2, 5))
    store.put(document.STATE_KEY, old.data, store.read(document.STATE_KEY).etag)
    reading = load_state(store, "prod", "org_1")
    assert codes(reading) == ["KT623"]
    assert reading.state.entries == newer.state.entries
    assert run(store, clock, done, [9]).state.serial == 3
    assert codes(load_state(store, "prod", "org_1")) == []


def test_a_run_that_ends_during_a_read_causes_no_warning(store, clock, done):
    """A plan beside an apply reads either document."""
    run(store, clock, done, range(2))

    class Busy(Without):
        written = False

        def read(self, key):
            """Read; after the first read, another run writes a newer document."""
            found = store.read(key)
            if not self.written:
                self.written = True
                run(store, clock, done, range(2, 4))
            return found

    reading = load_state(Busy(store), "prod", "org_1")
    assert codes(reading) == []
    assert (reading.state.serial, len(reading.state.entries)) == (2, 4)
    assert reading.etag == store.read(document.STATE_KEY).etag


def test_a_missing_journal_is_continued_with_a_warning(folder, clock, done):
    """The document is enough, and crashes lose nothing afterwards."""
    run(folder, clock, done, range(3))
    path = folder.path / JOURNAL
    path.rename(path.with_suffix(".old"))
    reading, journal = opened(folder, clock)
    assert codes(reading) == ["KT624"]
    assert len(reading.state.entries) == 3
    journal.append(intent(7))
    journal.append(done(7))
    reading, journal = opened(folder, clock)
    assert codes(reading) == []
    assert len(reading.state.entries) == 4
    assert len(compact_journal(folder, reading, journal).state.entries) == 4
    # Concatenate both journals, without the last old record, whose number the new one reuses.
    past = path.with_suffix(".old").read_bytes().splitlines(keepends=True)[:-1]
    path.write_bytes(b"".join(past) + path.read_bytes())
    assert verify_chain(read_journal_records(folder.open_log().read(0))) is None
    assert len(load_state(folder, "prod", "org_1").state.entries) == 4


def test_a_journal_without_its_start_is_used_with_a_warning(folder, clock, done):
    """Without a document, the remaining records count."""
    for number in range(3):
        opened(folder, clock)[1].append(done(number))
    path = folder.path / JOURNAL
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    reading, journal = opened(folder, clock)
    assert codes(reading) == ["KT624"]
    assert set(reading.state.entries) == {address(1), address(2)}
    journal.append(done(5))
    assert verify_chain(read_journal_records(folder.open_log().read(0))) is None


def test_an_older_or_foreign_journal_is_refused(folder, clock, done, assert_refused):
    """It does not contain the last record of the document."""
    run(folder, clock, done, range(2))
    path = folder.path / JOURNAL
    older = path.read_bytes()
    run(folder, clock, done, range(2, 4))
    rewritten = path.read_bytes().splitlines(keepends=True)[:-3]
    for data in (older, b"".join(rewritten), b"".join(rewritten[2:])):
        path.write_bytes(data)
        with assert_refused("KT622"):
            load_state(folder, "prod", "org_1")


def test_any_change_of_a_later_record_is_refused(folder, clock, done, assert_refused):
    """No entry is taken from a changed journal."""
    run(folder, clock, done, range(2))
    _, journal = opened(folder, clock)
    for number in range(2, 4):
        journal.append(done(number))
    path = folder.path / JOURNAL
    data = path.read_bytes()
    start = load_state(folder, "prod", "org_1").state.position.mark - 900
    rng = random.Random(5)
    for place in rng.sample(range(start, len(data) - 1), 150):
        damaged = bytearray(data)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with assert_refused("KT620"):
            load_state(folder, "prod", "org_1")


def test_a_missing_journal_object_is_detected(bucket, clock, done, assert_refused):
    """In a bucket, whole objects may be missing."""
    run(bucket, clock, done, range(2))
    _, journal = opened(bucket, clock)
    for number in range(2, 5):
        journal.append(done(number))

    class Holey(Without):
        read = bucket.read

        def open_log(self):
            log = bucket.open_log()
            log._objects = self
            return log

        def __init__(self):
            self.location = bucket.location

        def list_keys(self, prefix, after=""):
            return tuple(key for key in bucket.list_keys(prefix, after) if not key.endswith("07.jsonl"))

        read_all = bucket.read_all

    assert any(key.endswith("07.jsonl") for key in bucket.list_keys("journal/"))
    with assert_refused("KT620"):
        load_state(Holey(), "prod", "org_1")


def test_a_journal_of_another_workspace_is_refused(store, clock, assert_refused):
    """The journal names it, even without a document."""
    _, journal = opened(store, clock)
    journal.append(
        RunStarted(run="r", command="apply", workspace="prod", organization="org_2", who="a", host="h")
    )
    with assert_refused("KT601"):
        load_state(store, "prod", "org_1")


def test_a_record_of_a_newer_keyturn_is_refused(folder, clock, assert_refused):
    """It may affect the state."""
    _, journal = opened(folder, clock)
    position = journal.append(intent(1))
    line, _ = encode_journal_record(position, "now", b'{"event":"teleport"}')
    with (folder.path / JOURNAL).open("ab") as file:
        file.write(line)
    with assert_refused("KT602"):
        load_state(folder, "prod", "org_1")


def test_the_length_of_an_incomplete_line_is_returned(folder, clock):
    """A reader ignores the line; the next writer removes it."""
    _, journal = opened(folder, clock)
    journal.append(intent(1))
    with (folder.path / JOURNAL).open("ab") as file:
        file.write(encode_event(intent(2)))
    reading = load_state(folder, "prod", "org_1")
    assert [each.id for each in reading.state.open_intents] == ["i1"]
    assert reading.torn == len(encode_event(intent(2)))


def test_a_writer_killed_at_any_moment_loses_nothing_it_reported(folder, tmp_path, clock):
    """Killed during appends and compactions: reported entries exist, and the chain is valid."""
    reported: set[str] = set()
    rng = random.Random(3)
    for turn in range(5):
        command = [sys.executable, "-c", WORK, str(tmp_path), str(turn * 10_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            lines = [worker.stdout.readline().strip() for _ in range(rng.randrange(1, 60))]
            worker.kill()
            lines += [line.strip() for line in worker.stdout if line.endswith("\n")]
        reported.update(lines)
        reading = load_state(folder, "prod", "org_1")
        assert reported <= {each.name for each in reading.state.entries}
        assert len(reading.state.open_intents) <= 3 * (turn + 1)
        assert codes(reading) == []
        assert verify_chain(read_journal_records(folder.open_log().read(0))) is None
    reading, journal = opened(folder, clock)
    assert compact_journal(folder, reading, journal).state.entries == reading.state.entries
