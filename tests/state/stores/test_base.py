"""What every store and every tape promises, on each kind of store."""

from datetime import timedelta

import pytest

from keyturn.state.stores import open_store
from keyturn.state.stores.base import NO_ETAG, PreconditionFailed


def test_an_object_is_made_changed_and_read(store):
    """What was put is there, under a new etag each time."""
    assert store.read("a.json") is None
    first = store.put("a.json", b"one", NO_ETAG)
    assert (store.read("a.json").data, store.read("a.json").etag) == (b"one", first)
    second = store.put("a.json", b"two", first)
    assert (store.read("a.json").data, store.read("a.json").etag) == (b"two", second)
    assert NO_ETAG not in (first, second)


def test_nobody_writes_over_what_they_have_not_seen(store):
    """A write with a wrong expectation leaves things as they were."""
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
    """A prefix and a key to begin behind narrow the list down."""
    assert store.list_keys("") == ()
    for key in ("b2", "b10", "a1", "b1"):
        store.put(key, b"x", NO_ETAG)
    assert store.list_keys("") == ("a1", "b1", "b10", "b2")
    assert store.list_keys("b") == ("b1", "b10", "b2")
    assert store.list_keys("b", after="b1") == ("b10", "b2")
    assert store.list_keys("c") == ()


def test_large_and_empty_objects_are_the_same_to_a_store(store):
    """A document of ten thousand entries is written in one piece, on its condition."""
    large = bytes(range(256)) * 40_000
    etag = store.put("large", large, NO_ETAG)
    store.put("large", large[::-1], etag)
    for stale in (NO_ETAG, etag):
        with pytest.raises(PreconditionFailed):
            store.put("large", large, stale)
    store.put("empty", b"", NO_ETAG)
    assert store.read("large").data == large[::-1]
    assert store.read("empty").data == b""


def test_the_time_of_a_store_is_that_of_its_objects(store):
    """How old an object is can be told without any clock of ours."""
    store.put("a.json", b"x", NO_ETAG)
    age = store.current_time() - store.read("a.json").modified
    assert timedelta(0) <= age < timedelta(seconds=30)
    assert store.current_time() >= store.read("a.json").modified


def test_an_attendance_can_be_ended(store):
    """Whoever attends is not gone; a store that cannot know says so, and nothing of it is an object."""
    leave = store.announce_alive("me")
    assert not store.is_holder_dead("me")
    assert not store.is_holder_dead("somebody else")
    assert store.list_keys("") == ()
    leave()


def test_a_tape_gives_back_what_was_written(store):
    """Lines come in the order in which they went in, from the mark of any of them on."""
    tape = store.open_log()
    assert list(tape.read(0)) == []
    tape.prepare_append(0)
    marks = [tape.append(1, [b"one\n", b"two\n"]), tape.append(3, [b"three\n"]), tape.append(4, [b"four\n"])]
    assert [line.data for line in store.open_log().read(0)] == [b"one\n", b"two\n", b"three\n", b"four\n"]
    assert [line.data for line in tape.read(marks[1])] == [b"three\n", b"four\n"]
    assert [line.mark for line in tape.read(marks[1])] == marks[1:]
    assert [line.data for line in tape.read(marks[0])][-3:] == [b"two\n", b"three\n", b"four\n"]


def test_of_two_who_write_at_the_same_place_one_is_stopped(store):
    """Whoever lost the lock without knowing finds somebody else's lines and writes none."""
    store.open_log().prepare_append(0)
    mine, theirs = store.open_log(), store.open_log()
    mine.prepare_append(0)
    theirs.prepare_append(0)
    theirs.append(1, [b"theirs\n"])
    with pytest.raises(PreconditionFailed):
        mine.append(1, [b"mine\n"])
    assert [line.data for line in mine.read(0)] == [b"theirs\n"]


def test_a_store_says_where_it_is(tmp_path, s3):
    """The place is what stands in the project file, without anything secret."""
    assert open_store("file:.keyturn/prod", tmp_path, {}).location == "file:.keyturn/prod"
    assert open_store("s3://team-states/a//b/", tmp_path, s3).location == "s3://team-states/a/b"
    assert open_store("s3://team-states", tmp_path, s3).location == "s3://team-states"
