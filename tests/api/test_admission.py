"""Turns: so many at a time, and no write that is not allowed any more."""

import threading

import pytest

from keyturn.api.admission import Admission
from keyturn.api.call import TEST, Call
from keyturn.api.errors import KeptBack


def call(method, verb):
    """Return a request."""
    return Call(method=method, path="/x", template="/x", verb=verb)


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
    admission = Admission(places=places, allowed=lambda: not places.acquire(blocking=False))
    with admission.turn(call(method, verb)):
        pass
    refusing = Admission(places=places, allowed=lambda: False)
    with pytest.raises(KeptBack, match=f"{method} /x was kept back"), refusing.turn(call(method, verb)):
        raise AssertionError
    assert places.acquire(blocking=False)


@pytest.mark.parametrize(("method", "verb"), [("GET", "read"), ("GET", "list"), ("POST", TEST)])
def test_what_changes_nothing_needs_none(method, verb):
    """Reading back what was written goes on after an interrupt."""
    with Admission(allowed=lambda: False).turn(call(method, verb)):
        pass


def test_a_turn_is_waited_for():
    """With one place, the second begins where the first ends."""
    admission, steps = Admission(places=threading.BoundedSemaphore(1)), []

    def second():
        with admission.turn(call("GET", "read")):
            steps.append("second")

    other = threading.Thread(target=second)
    with admission.turn(call("GET", "read")):
        other.start()
        other.join(0.05)
        steps.append("first")
    other.join()
    assert steps == ["first", "second"]
