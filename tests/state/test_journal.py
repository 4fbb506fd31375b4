"""The write-ahead journal: durable before it returns, shared flushes, nothing after a failure."""

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
    """Return the journal of ``store``, open for writing."""
    reading = load_state(store, "prod", "org_1")
    return open_journal(store, reading.state, reading.torn, clock)


def records(store):
    """Return what is in the journal."""
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
    """A tape whose first append waits until it is let through; it counts what each append holds."""

    def __init__(self, tape):
        self.tape = tape
        self.entered, self.go = threading.Event(), threading.Event()
        self.batches = []

    def append(self, first, lines):
        """Wait for the gate, then append."""
        self.batches.append(len(lines))
        self.entered.set()
        assert self.go.wait(10)
        return self.tape.append(first, lines)


def test_what_append_returned_from_can_be_read(store, clock):
    """A record is there, stamped and numbered, for whoever reads next."""
    journal = opened(store, clock)
    journal.append(intent())
    position = journal.append(finished())
    first, second = records(store)
    assert (first.event, second.event) == (intent(), finished())
    assert (first.seq, first.at) == (1, "2026-03-09T12:00:00.000Z")
    assert second.position == position == journal.position
    assert verify_chain(records(store)) is None


def test_a_record_is_flushed_before_append_returns(tmp_path):
    """The kernel is asked to put the line on the disk, seen from outside the process."""
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


def test_what_was_enqueued_goes_with_the_next(store, clock):
    """Outcomes need not be waited for; they are in front of the next intent, or come by flush."""
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


def test_threads_that_wait_share_one_flush(folder, clock):
    """While one writes, the others line up, and all of them go out together."""
    tape = folder.open_log()
    tape.prepare_append(0)
    gate = Gate(tape)
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


def test_many_threads_write_one_chain(store, clock):
    """Whatever the threads do, each record is there once and the chain is whole."""
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


def test_the_state_grows_with_the_journal(store, clock, known):
    """What a run wrote is in the state that it gets back, without reading anything again."""
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
def test_after_a_failure_nothing_is_accepted(folder, clock, failure, code):
    """What a failed write left is not known, so that every thread is told, now and later."""
    tape = folder.open_log()
    tape.prepare_append(0)

    class Broken(Gate):
        def append(self, first, lines):
            super().append(first, lines)
            raise failure

    gate = Broken(tape)
    journal = Journal(gate, EMPTY, clock, folder.location)
    told = []

    def work(number):
        try:
            journal.append(intent(number))
        except DiagnosticError as stopped:
            told.append(stopped.diagnostics[0].code)
        except RuntimeError:
            told.append(code)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    threads[0].start()
    assert gate.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    gate.go.set()
    for thread in threads:
        thread.join(10)
    assert told == [code] * 4
    for attempt in (lambda: journal.append(intent()), lambda: journal.enqueue(intent()), journal.flush):
        with pytest.raises(DiagnosticError) as stopped:
            attempt()
        assert stopped.value.diagnostics[0].code == code
    assert len(gate.batches) == 1


@pytest.mark.parametrize("room", [200, 700, 701])
def test_a_full_disk_stops_before_the_call(tmp_path, folder, room):
    """No room for the intent: it raises, and what is in the journal is whole and can be gone on with."""
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


def test_a_torn_last_line_is_cut_off_and_recorded(folder, clock):
    """Wherever the last group of lines was torn, what was whole stays and the chain goes on."""
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


def test_the_end_of_a_write_that_power_failed_is_cut_off(folder, clock):
    """Some file systems leave zeros where data should have been."""
    opened(folder, clock).append(intent("1"))
    with (folder.path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"at"' + bytes(4096))
    opened(folder, clock).append(JournalCompacted(7))
    assert [record.seq for record in records(folder)] == [1, 2, 3]
    assert verify_chain(records(folder)) is None


def test_a_journal_that_grew_meanwhile_is_not_opened(store, clock, refused):
    """Between reading and opening somebody wrote: the plan is not of this state any more."""
    reading = load_state(store, "prod", "org_1")
    opened(store, clock).append(intent())
    with refused("KT626"):
        open_journal(store, reading.state, reading.torn, clock)


def test_a_writer_that_lost_the_lock_is_stopped(store, clock, refused):
    """Two journals open on one store: the slower one does not get a line in."""
    slow, quick = opened(store, clock), opened(store, clock)
    quick.append(intent("quick"))
    with refused("KT626"):
        slow.append(intent("slow"))
    assert [record.event.id for record in records(store)] == ["quick"]


def test_a_record_costs_the_same_however_long_the_journal_is(folder, clock, known):
    """The last of many records is as large as the first: an entry, not a state."""
    journal = opened(folder, clock)
    sizes = []
    for number in range(300):
        journal.enqueue(finished(entry=known(f"credential/prod-{number:03}")))
        before = (folder.path / "journal.jsonl").stat().st_size
        journal.flush()
        sizes.append((folder.path / "journal.jsonl").stat().st_size - before)
    assert max(sizes) - min(sizes) <= 4
    assert json.loads((folder.path / "journal.jsonl").read_bytes().splitlines()[-1])["seq"] == 300
