"""Lines of the journal: chained, and every change to one is seen."""

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
    """Return ``count`` lines behind ``start``."""
    lines, last = [], start or JournalPosition()
    for serial in range(count):
        data, digest = encode_journal_record(last, NOW, encode_event(JournalCompacted(serial)))
        lines.append(LogLine(100 + serial, data))
        last = JournalPosition(last.seq + 1, digest)
    return lines


def parsed(lines):
    """Return the records in ``lines``."""
    return [decode_journal_record(line) for line in lines]


def test_a_line_says_what_it_is():
    """A line is JSON: number, moment, event, the hash before and its own."""
    (line,) = chained(1)
    tree = json.loads(line.data)
    assert list(tree) == ["seq", "at", "event", "serial", "prev", "hash"]
    record = decode_journal_record(line)
    assert (record.seq, record.at, record.event, record.mark) == (1, NOW, JournalCompacted(0), 100)
    assert record.position == JournalPosition(1, tree["hash"], 100)
    assert is_next(record, JournalPosition())


def test_an_untouched_chain_is_whole():
    """Nothing is found where nothing was done; an empty journal is whole as well."""
    assert verify_chain(parsed(chained(5))) is None
    assert verify_chain([]) is None


def test_a_journal_that_goes_on_after_another_is_whole():
    """A journal that was moved away is continued, so that a first number other than 1 is fine."""
    assert verify_chain(parsed(chained(3, JournalPosition(40, "a" * 64)))) is None


def test_any_flipped_byte_is_found_at_its_line():
    """Whichever byte of whichever line is changed, `verify` names that line."""
    lines = chained(3)
    for index, line in enumerate(lines):
        for place in range(len(line.data) - 1):
            hurt = bytearray(line.data)
            hurt[place] ^= 1
            broken = [*lines[:index], LogLine(line.mark, bytes(hurt)), *lines[index + 1 :]]
            assert verify_chain(parsed(broken)) == index, (index, place)


def test_a_line_that_was_lost_moved_or_doubled_is_found():
    """What stands in the wrong place is where the chain breaks."""
    a, b, c, d = parsed(chained(4))
    assert verify_chain([a, c, d]) == 1
    assert verify_chain([a, c, b, d]) == 1
    assert verify_chain([a, b, b, c]) == 2
    assert verify_chain([a, b, decode_journal_record(chained(3)[2]), d]) is None


def test_a_number_that_does_not_follow_is_found():
    """A line that skips a number is found, even where its hash and the one before are right."""
    (first,) = parsed(chained(1))
    data, _ = encode_journal_record(JournalPosition(5, first.hash), NOW, encode_event(JournalCompacted(1)))
    assert verify_chain([first, decode_journal_record(LogLine(0, data))]) == 1


def test_a_line_rewritten_with_a_hash_of_its_own_breaks_the_next():
    """Whoever rewrites one record has to rewrite all that follow, and the document knows the last."""
    lines = chained(3)
    data, _ = encode_journal_record(
        decode_journal_record(lines[0]).position, NOW, encode_event(JournalCompacted(99))
    )
    assert verify_chain(parsed([lines[0], LogLine(101, data), lines[2]])) == 2


def test_json_that_says_the_same_in_another_way_is_not_the_line():
    """The hash stands at the end and covers the bytes before it, not what they mean."""
    (line,) = chained(1)
    tree = json.loads(line.data)
    for text in (json.dumps(tree), json.dumps({"hash": tree.pop("hash"), **tree}, separators=(",", ":"))):
        assert verify_chain([decode_journal_record(LogLine(0, text.encode() + b"\n"))]) == 0


def test_an_event_of_a_newer_keyturn_is_whole_but_not_readable():
    """The chain holds over events that only a newer version understands."""
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
def test_a_broken_event_under_a_right_hash_is_found(event):
    """A record that says nothing is not passed over, of whatever shape it is."""
    data, _ = encode_journal_record(JournalPosition(), NOW, json.dumps(event).encode())
    assert verify_chain([decode_journal_record(LogLine(0, data))]) == 0


def test_the_copy_of_a_manifest_in_an_entry_is_dropped():
    """An entry may hold one under ``gist``: the record is whole, and its entry is read without it."""
    event = {"event": "outcome", **OUTCOME, "entry": {**ENTRY, "gist": {"file": "x.yaml", "passed": "b"}}}
    data, _ = encode_journal_record(JournalPosition(), NOW, json.dumps(event).encode())
    record = decode_journal_record(LogLine(0, data))
    assert verify_chain([record]) is None
    assert b"gist" not in encode_event(record.event)


def test_a_torn_last_line_is_left_out():
    """What has no newline was never finished."""
    *whole, last = chained(3)
    assert len(list(read_journal_records([*whole, LogLine(last.mark, last.data[:-1])]))) == 2


@given(st.binary(max_size=300))
def test_no_line_makes_the_reader_stumble(data):
    """Whatever stands in a line, it is a record that does not verify."""
    assert verify_chain([decode_journal_record(LogLine(0, data + b"\n"))]) == 0


def test_deep_nesting_is_a_broken_line():
    """A line made to exhaust the reader is as broken as any other."""
    assert verify_chain([decode_journal_record(LogLine(0, b"[" * 100_000 + b"\n"))]) == 0
