"""Broken responses, seen on a raw socket."""

import socket

import pytest

REQUEST = b"GET /api/organization HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n"


def _raw(api, request=REQUEST):
    port = int(api.emulator.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(request)
        received = b""
        while piece := wire.recv(65536):
            received += piece
        return received


@pytest.fixture
def keyed(start):
    """An emulator whose key is known."""
    return start(key="k")


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_drop_sends_nothing(keyed, kind):
    """A dropped connection is reset without a response."""
    keyed.emulator.add_fault(kind)
    with pytest.raises(ConnectionResetError):
        _raw(keyed)


def test_a_truncated_answer_ends_early(keyed):
    """A truncated response has complete headers and half of the announced body."""
    keyed.emulator.add_fault("truncate_after")
    head, _, body = _raw(keyed).partition(b"\r\n\r\n")
    (length,) = [
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length")
    ]
    assert len(body) == length // 2


def test_a_closed_connection_had_a_whole_answer(keyed):
    """The fault `close_after` closes the connection without a header that announces it."""
    keyed.emulator.add_fault("close_after")
    head, _, body = _raw(keyed).partition(b"\r\n\r\n")
    assert body.endswith(b"}")
    assert b"connection:" not in head.lower()


def test_a_client_that_leaves_within_its_body_is_not_counted(keyed):
    """A request without its complete body is not logged."""
    port = int(keyed.emulator.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(b"POST /api/credentials HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
    assert keyed.get("/api/organization").headers["X-Request-ID"] == "req_00000001"
    assert len(keyed.emulator.list_requests()) == 1
