"""The log in numbered objects."""

import pytest

from keyturn.state.stores.base import NO_ETAG
from keyturn.state.stores.object_store import JOURNAL_PREFIX


def test_each_append_is_one_object(bucket):
    """Each append is one request, and no object is written twice."""
    log = bucket.open_log()
    log.append(1, [b"one\n", b"two\n"])
    log.append(3, [b"three\n"])
    assert bucket.list_keys(JOURNAL_PREFIX) == ("journal/000000000001.jsonl", "journal/000000000003.jsonl")
    assert bucket.read("journal/000000000001.jsonl").data == b"one\ntwo\n"


def test_many_objects_are_read_in_order(bucket):
    """They are sorted by number, across powers of ten and batches."""
    log = bucket.open_log()
    for number in (*range(1, 45), 999, 1000, 10_000_000):
        log.append(number, [b"%d\n" % number])
    lines = [int(line.data) for line in log.read(0)]
    assert lines == [*range(1, 45), 999, 1000, 10_000_000]
    assert [line.mark for line in log.read(999)] == [999, 1000, 10_000_000]


@pytest.mark.parametrize("name", ["journal/notes.txt", "journal/00x.jsonl"])
def test_a_foreign_object_is_read_as_an_invalid_line(bucket, name):
    """The chain of the journal then shows it."""
    bucket.put(name, b"hello\n", NO_ETAG)
    assert [(line.mark, line.data) for line in bucket.open_log().read(0)] == [(0, b"hello\n")]
