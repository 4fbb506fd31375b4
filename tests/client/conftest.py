"""Fixtures of the tests of the client."""

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
    """Return a clock that advances only in sleeps."""
    return Clock()


@pytest.fixture
def raw() -> Generator[Raw]:
    """Return a running server of raw sockets."""
    server = Raw()
    yield server
    server.stop()


@pytest.fixture
def hang(raw: Raw) -> Act:
    """Return an act that sends nothing until the test ends."""
    return lambda _: raw.over.wait(5) and False


@pytest.fixture
def drip(raw: Raw) -> Callable[[bytes], Act]:
    """Return a maker of acts that send one byte every 20 ms."""

    def make(data: bytes) -> Act:
        def act(line: socket.socket) -> bool:
            for byte in data:
                if raw.over.wait(0.02):
                    break
                line.sendall(bytes([byte]))
            return False

        return act

    return make


Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def client_of(clock: Clock) -> Callable[[Handler], Client]:
    """Return a maker of clients over a handler function."""

    def make(handler: Handler) -> Client:
        headers = {"Authorization": b"Bearer k"}
        client_clock = clock.client_clock()
        url = parse_service_url("https://api.example.com")
        return Client(
            HttpTransport(url, headers, client_clock, lambda: httpx.MockTransport(handler)), client_clock
        )

    return make
