"""Turns: so many at a time, and no write that is not allowed any more."""

import threading

import pytest

from keyturn.client.errors import Withheld
from keyturn.client.messages import TEST_OPERATION, Request
from keyturn.client.sender import ConcurrencyLimit


def call(method, verb):
    """Return a request."""
    return Request(method=method, path="/x", path_template="/x", operation=verb)


WRITES = [
    ("POST", "create"),
    ("PUT", "update"),
    ("DELETE", "retire"),
    ("POST", "restore"),
    ("DELETE", "purge"),
]


@pytest.mark.parametrize(("method", "verb"), WRITES)
def test_a_write_needs_leave(method, verb):
    """It is asked for in its turn, and the place of one that is kept back is free again."""
    places = threading.BoundedSemaphore(1)
    admission = ConcurrencyLimit(slots=places, may_write=lambda: not places.acquire(blocking=False))
    with admission.acquire_slot(call(method, verb)):
        pass
    refusing = ConcurrencyLimit(slots=places, may_write=lambda: False)
    with (
        pytest.raises(Withheld, match=f"{method} /x was withheld"),
        refusing.acquire_slot(call(method, verb)),
    ):
        raise AssertionError
    assert places.acquire(blocking=False)


@pytest.mark.parametrize(("method", "verb"), [("GET", "read"), ("GET", "list"), ("POST", TEST_OPERATION)])
def test_what_changes_nothing_needs_none(method, verb):
    """Reading back what was written goes on after an interrupt."""
    with ConcurrencyLimit(may_write=lambda: False).acquire_slot(call(method, verb)):
        pass


def test_a_turn_is_waited_for():
    """With one place, the second begins where the first ends."""
    admission, steps = ConcurrencyLimit(slots=threading.BoundedSemaphore(1)), []

    def second():
        with admission.acquire_slot(call("GET", "read")):
            steps.append("second")

    other = threading.Thread(target=second)
    with admission.acquire_slot(call("GET", "read")):
        other.start()
        other.join(0.05)
        steps.append("first")
    other.join()
    assert steps == ["first", "second"]
