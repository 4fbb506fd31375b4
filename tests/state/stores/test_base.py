"""The contract of stores and logs, on each kind of store."""

from datetime import timedelta

import pytest

from keyturn.state.stores import open_store
from keyturn.state.stores.base import NO_ETAG, PreconditionFailed


def test_an_object_is_created_replaced_and_read(store):
    """Each content has another etag."""
    assert store.read("a.json") is None
    first = store.put("a.json", b"one", NO_ETAG)
    assert (store.read("a.json").data, store.read("a.json").etag) == (b"one", first)
    second = store.put("a.json", b"two", first)
    assert (store.read("a.json").data, store.read("a.json").etag) == (b"two", second)
    assert NO_ETAG not in (first, second)


def test_a_write_with_a_wrong_etag_is_refused(store):
    """The object keeps its content."""
    with pytest.raises(PreconditionFailed):
        store.put("a.json", b"x", "no such etag")
    assert store.read("a.json") is None
    first = store.put("a.json", b"one", NO_ETAG)
    with pytest.raises(PreconditionFailed):
        store.put("a.json", b"other", NO_ETAG)
    store.put("a.json", b"two", first)
    with pytest.raises(PreconditionFailed):
        store.put("a.json", b"three", first)
    assert store.read("a.json").data == b"two"


def test_keys_are_listed_in_order(store):
    """A prefix and a start key limit the sorted list."""
    assert store.list_keys("") == ()
    for key in ("b2", "b10", "a1", "b1"):
        store.put(key, b"x", NO_ETAG)
    assert store.list_keys("") == ("a1", "b1", "b10", "b2")
    assert store.list_keys("b") == ("b1", "b10", "b2")
    assert store.list_keys("b", after="b1") == ("b10", "b2")
    assert store.list_keys("c") == ()


def test_large_and_empty_objects_are_stored(store):
    """10 MB are written at once, with a condition."""
    large = bytes(range(256)) * 40_000
    etag = store.put("large", large, NO_ETAG)
    store.put("large", large[::-1], etag)
    for stale in (NO_ETAG, etag):
        with pytest.raises(PreconditionFailed):
            store.put("large", large, stale)
    store.put("empty", b"", NO_ETAG)
    assert store.read("large").data == large[::-1]
    assert store.read("empty").data == b""


def test_a_store_and_its_objects_have_one_clock(store):
    """The age of an object does not depend on the local clock."""
    store.put("a.json", b"x", NO_ETAG)
    age = store.current_time() - store.read("a.json").modified
    assert timedelta(0) <= age < timedelta(seconds=30)
    assert store.current_time() >= store.read("a.json").modified


def test_a_holder_is_alive_until_it_stops_announcing(store):
    """A liveness file is not an object of the store."""
    leave = store.announce_alive("me")
    assert not store.is_holder_dead("me")
    assert not store.is_holder_dead("somebody else")
    assert store.list_keys("") == ()
    leave()


def test_a_log_returns_its_lines_in_order(store):
    """Reading starts at the mark of any line."""
    log = store.open_log()
    assert list(log.read(0)) == []
    log.prepare_append(0)
    marks = [log.append(1, [b"one\n", b"two\n"]), log.append(3, [b"three\n"]), log.append(4, [b"four\n"])]
    assert [line.data for line in store.open_log().read(0)] == [b"one\n", b"two\n", b"three\n", b"four\n"]
    assert [line.data for line in log.read(marks[1])] == [b"three\n", b"four\n"]
    assert [line.mark for line in log.read(marks[1])] == marks[1:]
    assert [line.data for line in log.read(marks[0])][-3:] == [b"two\n", b"three\n", b"four\n"]


def test_the_second_of_two_writers_is_stopped(store):
    """A writer that lost the lock finds other lines and writes none."""
    store.open_log().prepare_append(0)
    mine, theirs = store.open_log(), store.open_log()
    mine.prepare_append(0)
    theirs.prepare_append(0)
    theirs.append(1, [b"theirs\n"])
    with pytest.raises(PreconditionFailed):
        mine.append(1, [b"mine\n"])
    assert [line.data for line in mine.read(0)] == [b"theirs\n"]


def test_the_location_has_no_credentials(tmp_path, s3):
    """It is the address of the project file."""
    assert open_store("file:.keyturn/prod", tmp_path, {}).location == "file:.keyturn/prod"
    assert open_store("s3://team-states/a//b/", tmp_path, s3).location == "s3://team-states/a/b"
    assert open_store("s3://team-states", tmp_path, s3).location == "s3://team-states"
