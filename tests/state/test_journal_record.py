"""Journal records: the hash chain shows every change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.state.events import JournalCompacted, JournalPosition, encode_event
from keyturn.state.journal_record import (
    UnreadableEvent,
    decode_journal_record,
    encode_journal_record,
    is_next,
    read_journal_records,
    verify_chain,
)
from keyturn.state.stores.base import LogLine

NOW = "2026-03-09T12:00:00.000Z"
OUTCOME = {"intent": "i1", "address": "credential/prod-x", "action": "create", "ending": "done"}
ENTRY = {"address": "credential/prod-x", "applied": {}, "id": "cred_1", "type": "aws", "digest": "d" * 64}


def chained(count, start=None):
    """Return ``count`` lines after ``start``."""
    lines, last = [], start or JournalPosition()
    for serial in range(count):
        data, digest = encode_journal_record(last, NOW, encode_event(JournalCompacted(serial)))
        lines.append(LogLine(100 + serial, data))
        last = JournalPosition(last.seq + 1, digest)
    return lines


def parsed(lines):
    """Return the records in ``lines``."""
    return [decode_journal_record(line) for line in lines]


def test_the_form_of_a_line():
    """JSON with number, time, event, previous hash and own hash."""
    (line,) = chained(1)
    tree = json.loads(line.data)
    assert list(tree) == ["seq", "at", "event", "serial", "prev", "hash"]
    record = decode_journal_record(line)
    assert (record.seq, record.at, record.event, record.mark) == (1, NOW, JournalCompacted(0), 100)
    assert record.position == JournalPosition(1, tree["hash"], 100)
    assert is_next(record, JournalPosition())


def test_an_unchanged_chain_is_valid():
    """So is an empty journal."""
    assert verify_chain(parsed(chained(5))) is None
    assert verify_chain([]) is None


def test_a_chain_may_start_at_any_number():
    """After a journal was moved away, the next one continues its numbers."""
    assert verify_chain(parsed(chained(3, JournalPosition(40, "a" * 64)))) is None


def test_any_changed_byte_is_found_in_its_line():
    """At every position of every line."""
    lines = chained(3)
    for index, line in enumerate(lines):
        for place in range(len(line.data) - 1):
            damaged = bytearray(line.data)
            damaged[place] ^= 1
            broken = [*lines[:index], LogLine(line.mark, bytes(damaged)), *lines[index + 1 :]]
            assert verify_chain(parsed(broken)) == index, (index, place)


def test_a_missing_moved_or_doubled_line_is_found():
    """The chain breaks there."""
    a, b, c, d = parsed(chained(4))
    assert verify_chain([a, c, d]) == 1
    assert verify_chain([a, c, b, d]) == 1
    assert verify_chain([a, b, b, c]) == 2
    assert verify_chain([a, b, decode_journal_record(chained(3)[2]), d]) is None


def test_a_skipped_number_is_found():
    """Even if the hashes are right."""
    (first,) = parsed(chained(1))
    data, _ = encode_journal_record(JournalPosition(5, first.hash), NOW, encode_event(JournalCompacted(1)))
    assert verify_chain([first, decode_journal_record(LogLine(0, data))]) == 1


def test_a_rewritten_line_breaks_the_next():
    """All later lines would have to be rewritten, and the document names the last hash."""
    lines = chained(3)
    data, _ = encode_journal_record(
        decode_journal_record(lines[0]).position, NOW, encode_event(JournalCompacted(99))
    )
    assert verify_chain(parsed([lines[0], LogLine(101, data), lines[2]])) == 2


def test_equal_json_with_other_bytes_is_invalid():
    """The hash covers the bytes, not the meaning."""
    (line,) = chained(1)
    tree = json.loads(line.data)
    for text in (json.dumps(tree), json.dumps({"hash": tree.pop("hash"), **tree}, separators=(",", ":"))):
        assert verify_chain([decode_journal_record(LogLine(0, text.encode() + b"\n"))]) == 0


def test_an_event_of_an_unknown_kind_is_valid_but_unreadable():
    """A newer keyturn wrote it."""
    data, _ = encode_journal_record(JournalPosition(), NOW, b'{"event":"teleport","to":"mars"}')
    record = decode_journal_record(LogLine(0, data))
    assert record.event == UnreadableEvent("teleport")
    assert verify_chain([record]) is None


@pytest.mark.parametrize(
    "event",
    [
        {"event": "repair", "dropped": "x"},
        {"event": "end", "run": "r1", "ending": "done", "counts": [1]},
        {"event": "outcome", **OUTCOME, "entry": "prod-x"},
        {"event": "outcome", **OUTCOME, "entry": {**ENTRY, "applied": ["a"]}},
    ],
    ids=["number", "counts", "entry", "fields"],
)
def test_an_invalid_event_with_a_right_hash_is_found(event):
    """Whatever its form is."""
    data, _ = encode_journal_record(JournalPosition(), NOW, json.dumps(event).encode())
    assert verify_chain([decode_journal_record(LogLine(0, data))]) == 0


def test_a_manifest_copy_of_an_old_journal_is_ignored():
    """Early entries have one under ``gist``; the record is valid."""
    event = {"event": "outcome", **OUTCOME, "entry": {**ENTRY, "gist": {"file": "x.yaml", "passed": "b"}}}
    data, _ = encode_journal_record(JournalPosition(), NOW, json.dumps(event).encode())
    record = decode_journal_record(LogLine(0, data))
    assert verify_chain([record]) is None
    assert b"gist" not in encode_event(record.event)


def test_an_incomplete_last_line_is_left_out():
    """It has no newline."""
    *whole, last = chained(3)
    assert len(list(read_journal_records([*whole, LogLine(last.mark, last.data[:-1])]))) == 2


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_an_invalid_record(data):
    """The reader never raises."""
    assert verify_chain([decode_journal_record(LogLine(0, data + b"\n"))]) == 0


def test_deep_nesting_is_an_invalid_record():
    """It does not exhaust the stack."""
    assert verify_chain([decode_journal_record(LogLine(0, b"[" * 100_000 + b"\n"))]) == 0
