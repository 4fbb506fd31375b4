"""The limit of requests in flight, and permission to write."""

import threading

import pytest

from keyturn.client.errors import Withheld
from keyturn.client.messages import TEST_OPERATION, Request
from keyturn.client.sender import ConcurrencyLimit


def build_request(method, operation):
    """Return a request."""
    return Request(method=method, path="/x", path_template="/x", operation=operation)


WRITES = [
    ("POST", "create"),
    ("PUT", "update"),
    ("DELETE", "retire"),
    ("POST", "restore"),
    ("DELETE", "purge"),
]


@pytest.mark.parametrize(("method", "operation"), WRITES)
def test_a_write_needs_permission(method, operation):
    """It is checked within the slot; a withheld write releases its slot."""
    slots = threading.BoundedSemaphore(1)
    limit = ConcurrencyLimit(slots=slots, may_write=lambda: not slots.acquire(blocking=False))
    with limit.acquire_slot(build_request(method, operation)):
        pass
    forbidding = ConcurrencyLimit(slots=slots, may_write=lambda: False)
    with (
        pytest.raises(Withheld, match=f"{method} /x was withheld"),
        forbidding.acquire_slot(build_request(method, operation)),
    ):
        raise AssertionError
    assert slots.acquire(blocking=False)


@pytest.mark.parametrize(
    ("method", "operation"), [("GET", "read"), ("GET", "list"), ("POST", TEST_OPERATION)]
)
def test_reads_need_no_permission(method, operation):
    """Nor do connection tests."""
    with ConcurrencyLimit(may_write=lambda: False).acquire_slot(build_request(method, operation)):
        pass


def test_a_request_waits_for_a_slot():
    """With one slot, the second request starts after the first."""
    limit, steps = ConcurrencyLimit(slots=threading.BoundedSemaphore(1)), []

    def second():
        with limit.acquire_slot(build_request("GET", "read")):
            steps.append("second")

    other = threading.Thread(target=second)
    with limit.acquire_slot(build_request("GET", "read")):
        other.start()
        other.join(0.05)
        steps.append("first")
    other.join()
    assert steps == ["first", "second"]
