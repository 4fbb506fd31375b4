"""The write-ahead journal: durability, shared writes and failures."""

import json
import subprocess
import sys
import threading
import time

import pytest

from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.state.document import State
from keyturn.state.events import Intent, JournalCompacted, OutcomeRecorded, TornLineRemoved
from keyturn.state.journal import Journal, open_journal
from keyturn.state.journal_record import read_journal_records, verify_chain
from keyturn.state.reader import load_state
from keyturn.state.stores.base import PreconditionFailed

X = Address("credential", "x")
EMPTY = State(workspace="prod", organization="org_1")

FULL = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.clock import RunClock
from keyturn.state.events import JournalCompacted
from keyturn.state.journal import open_journal
from keyturn.state.reader import load_state
from keyturn.state.stores import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store("file:.keyturn/prod", Path(sys.argv[1]), {})
reading = load_state(store, "prod", "org_1")
journal = open_journal(store, reading.state, reading.torn, RunClock(lambda: datetime.now(UTC), lambda: 0.0))
journal.append(JournalCompacted(0))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
for serial in range(1, 9):
    try:
        journal.append(JournalCompacted(serial))
        print("written")
    except DiagnosticError as failure:
        print(failure.diagnostics[0].code)
"""


def opened(store, clock):
    """Open the journal of ``store`` for writing."""
    reading = load_state(store, "prod", "org_1")
    return open_journal(store, reading.state, reading.torn, clock)


def records(store):
    """Return the records of the journal."""
    return tuple(read_journal_records(store.open_log().read(0)))


def intent(number="1"):
    """Return an intent of this id."""
    return Intent(id=number, operation="create", address=X, action="create")


def finished(number="1", **more):
    """Return the outcome of the intent of this id."""
    return OutcomeRecorded(
        intent=number, address=X, action="create", outcome_status=OutcomeStatus.DONE, **more
    )


class Gate:
    """A log whose appends wait for an event; it counts the lines of each append."""

    def __init__(self, log):
        self.log = log
        self.entered, self.go = threading.Event(), threading.Event()
        self.batches = []

    def append(self, first, lines):
        """Wait for the event, then append."""
        self.batches.append(len(lines))
        self.entered.set()
        assert self.go.wait(10)
        return self.log.append(first, lines)


def test_an_appended_record_can_be_read(store, clock):
    """With time and number."""
    journal = opened(store, clock)
    journal.append(intent())
    position = journal.append(finished())
    first, second = records(store)
    assert (first.event, second.event) == (intent(), finished())
    assert (first.seq, first.at) == (1, "2026-03-09T12:00:00.000Z")
    assert second.position == position == journal.position
    assert verify_chain(records(store)) is None


def test_a_record_is_flushed_before_append_returns(tmp_path):
    """The process calls fdatasync after the write."""
    script = (
        "import os\n"
        "flush, write, log = os.fdatasync, os.write, []\n"
        "os.fdatasync = lambda fd: (log.append('flush'), flush(fd))[1]\n"
        "os.write = lambda fd, data: (log.append('write'), write(fd, data))[1]\n"
    )
    script += FULL.partition("resource.set")[0]
    script += "print(*log[-2:])\n"
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), "0"], capture_output=True, text=True, check=True
    )
    assert run.stdout == "write flush\n"


def test_an_enqueued_event_is_written_with_the_next_one(store, clock):
    """Or by a flush."""
    journal = opened(store, clock)
    journal.append(intent("1"))
    journal.enqueue(finished("1"))
    assert len(records(store)) == 1
    journal.append(intent("2"))
    assert [record.event for record in records(store)] == [intent("1"), finished("1"), intent("2")]
    journal.enqueue(finished("2"))
    assert journal.flush() == journal.position == records(store)[-1].position
    assert journal.flush() == journal.position
    assert len(records(store)) == 4


def test_waiting_threads_share_one_write(folder, clock):
    """While one thread writes, the others queue."""
    log = folder.open_log()
    log.prepare_append(0)
    gate = Gate(log)
    journal = Journal(gate, EMPTY, clock, folder.location)
    threads = [threading.Thread(target=journal.append, args=(intent(str(n)),)) for n in range(8)]
    threads[0].start()
    assert gate.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    while journal._last_position.seq < 8:
        time.sleep(0.001)
    gate.go.set()
    for thread in threads:
        thread.join(10)
    assert gate.batches == [1, 7]
    assert verify_chain(records(folder)) is None
    assert sorted(record.event.id for record in records(folder)) == list("01234567")


def test_many_threads_write_one_valid_chain(store, clock):
    """Each record exists once."""
    journal = opened(store, clock)

    def work(worker):
        for turn in range(12):
            journal.append(intent(f"{worker}-{turn}"))
            journal.enqueue(finished(f"{worker}-{turn}"))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    journal.flush()
    written = records(store)
    assert verify_chain(written) is None
    assert len(written) == len({(type(r.event), getattr(r.event, "id", r.at)) for r in written}) + 95
    assert journal.current_state().open_intents == ()


def test_the_current_state_includes_the_journal(store, clock, known):
    """No file is read for it."""
    journal = opened(store, clock)
    journal.append(intent("1"))
    journal.append(intent("2"))
    journal.enqueue(finished("1", entry=known("credential/x")))
    state = journal.current_state()
    assert set(state.entries) == {X}
    assert [each.id for each in state.open_intents] == ["2"]
    assert state == load_state(store, "prod", "org_1").state


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (PreconditionFailed(), "KT626"),
        (storage_error("KT608", "here", "no room", "make room"), "KT608"),
        (RuntimeError("bug"), "KT625"),
    ],
)
def test_after_a_failure_every_call_raises(folder, clock, failure, code):
    """The end of the log is unknown, so all threads stop."""
    log = folder.open_log()
    log.prepare_append(0)

    class Broken(Gate):
        def append(self, first, lines):
            super().append(first, lines)
            raise failure

    gate = Broken(log)
    journal = Journal(gate, EMPTY, clock, folder.location)
    raised = []

    def work(number):
        try:
            journal.append(intent(number))
        except DiagnosticError as stopped:
            raised.append(stopped.diagnostics[0].code)
        except RuntimeError:
            raised.append(code)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    threads[0].start()
    assert gate.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    gate.go.set()
    for thread in threads:
        thread.join(10)
    assert raised == [code] * 4
    for attempt in (lambda: journal.append(intent()), lambda: journal.enqueue(intent()), journal.flush):
        with pytest.raises(DiagnosticError) as stopped:
            attempt()
        assert stopped.value.diagnostics[0].code == code
    assert len(gate.batches) == 1


@pytest.mark.parametrize("room", [200, 700, 701])
def test_a_full_disk_stops_the_run(tmp_path, folder, room):
    """No space for the intent: append raises, and the journal stays valid."""
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), str(room)], capture_output=True, text=True, check=True
    )
    said = run.stdout.split()
    assert len(said) == 8
    assert set(said[: said.index("KT608")]) <= {"written"}
    assert set(said[said.index("KT608") :]) == {"KT608"}
    assert len(records(folder)) == 1 + said.count("written")
    assert verify_chain(records(folder)) is None
    assert (folder.path / "journal.jsonl").read_bytes().endswith(b"\n")


def test_an_incomplete_last_line_is_removed_and_recorded(folder, clock):
    """Wherever the last lines were cut, the complete ones stay and the chain continues."""
    journal = opened(folder, clock)
    journal.append(intent("1"))
    whole = (folder.path / "journal.jsonl").stat().st_size
    journal.enqueue(finished("1"))
    journal.append(intent("2"))
    path = folder.path / "journal.jsonl"
    data = path.read_bytes()
    for length in range(whole, len(data)):
        path.write_bytes(data[:length])
        torn = length - (data[:length].rfind(b"\n") + 1)
        opened(folder, clock).append(JournalCompacted(7))
        found = records(folder)
        assert verify_chain(found) is None
        assert found[0].event == intent("1")
        assert (
            [r.event for r in found if isinstance(r.event, TornLineRemoved)] == [TornLineRemoved(torn)]
        ) == bool(torn)
        assert found[-1].event == JournalCompacted(7)


def test_zeros_after_a_power_failure_are_removed(folder, clock):
    """Some file systems leave zeros in place of data."""
    opened(folder, clock).append(intent("1"))
    with (folder.path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"at"' + bytes(4096))
    opened(folder, clock).append(JournalCompacted(7))
    assert [record.seq for record in records(folder)] == [1, 2, 3]
    assert verify_chain(records(folder)) is None


def test_a_journal_with_newer_records_is_not_opened(store, clock, assert_refused):
    """The loaded state is out of date."""
    reading = load_state(store, "prod", "org_1")
    opened(store, clock).append(intent())
    with assert_refused("KT626"):
        open_journal(store, reading.state, reading.torn, clock)


def test_a_writer_that_lost_the_lock_is_stopped(store, clock, assert_refused):
    """Of two open journals of one store, the slower one cannot append."""
    slow, quick = opened(store, clock), opened(store, clock)
    quick.append(intent("quick"))
    with assert_refused("KT626"):
        slow.append(intent("slow"))
    assert [record.event.id for record in records(store)] == ["quick"]


def test_the_size_of_a_record_does_not_grow(folder, clock, known):
    """A record has one entry, not the state."""
    journal = opened(folder, clock)
    sizes = []
    for number in range(300):
        journal.enqueue(finished(entry=known(f"credential/prod-{number:03}")))
        before = (folder.path / "journal.jsonl").stat().st_size
        journal.flush()
        sizes.append((folder.path / "journal.jsonl").stat().st_size - before)
    assert max(sizes) - min(sizes) <= 4
    assert json.loads((folder.path / "journal.jsonl").read_bytes().splitlines()[-1])["seq"] == 300
