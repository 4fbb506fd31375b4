"""What the tests of the API package share."""

import socket
from collections.abc import Callable, Generator

import httpx
import pytest

from breaking import Act, Clock, Raw
from keyturn.client.client import Client
from keyturn.client.transport import HttpTransport
from keyturn.model.service_url import parse_service_url


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def raw() -> Generator[Raw]:
    """Return a running server of raw sockets."""
    server = Raw()
    yield server
    server.stop()


@pytest.fixture
def hang(raw: Raw) -> Act:
    """Return an act that says nothing until the test is over."""
    return lambda _: raw.over.wait(5) and False


@pytest.fixture
def drip(raw: Raw) -> Callable[[bytes], Act]:
    """Return a maker of acts that send one byte every few milliseconds, as long as somebody reads."""

    def making(data: bytes) -> Act:
        def act(line: socket.socket) -> bool:
            for byte in data:
                if raw.over.wait(0.02):
                    break
                line.sendall(bytes([byte]))
            return False

        return act

    return making


Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def client_of(clock: Clock) -> Callable[[Handler], Client]:
    """Return a maker of clients whose transport is a function."""

    def making(handler: Handler) -> Client:
        headers = {"Authorization": b"Bearer k"}
        tempo = clock.client_clock()
        place = parse_service_url("https://api.example.com")
        return Client(HttpTransport(place, headers, tempo, lambda: httpx.MockTransport(handler)), tempo)

    return making
