"""Fixtures of the tests of the client."""

import socket
from collections.abc import Callable, Generator

import httpx
import pytest

from fake_clock import FakeClock
from keyturn.client.client import Client
from keyturn.client.transport import HttpTransport
from keyturn.model.service_url import parse_service_url
from raw_server import Action, RawServer


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that advances only in sleeps."""
    return FakeClock()


@pytest.fixture
def raw() -> Generator[RawServer]:
    """Return a running server of raw sockets."""
    server = RawServer()
    yield server
    server.stop()


@pytest.fixture
def hang(raw: RawServer) -> Action:
    """Return an action that sends nothing until the test ends."""
    return lambda _: raw.stopped.wait(5) and False


@pytest.fixture
def drip(raw: RawServer) -> Callable[[bytes], Action]:
    """Return a maker of actions that send one byte every 20 ms."""

    def make(data: bytes) -> Action:
        def action(connection: socket.socket) -> bool:
            for byte in data:
                if raw.stopped.wait(0.02):
                    break
                connection.sendall(bytes([byte]))
            return False

        return action

    return make


Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def client_of(clock: FakeClock) -> Callable[[Handler], Client]:
    """Return a maker of clients over a handler function."""

    def make(handler: Handler) -> Client:
        headers = {"Authorization": b"Bearer k"}
        client_clock = clock.client_clock()
        url = parse_service_url("https://api.example.com")
        return Client(
            HttpTransport(url, headers, client_clock, lambda: httpx.MockTransport(handler)), client_clock
        )

    return make
