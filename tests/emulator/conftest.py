"""Fixtures of the emulator's tests: emulators, clients, deployments, records."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.server import Emulator, EmulatorOptions, open_deployment
from planasonix_emulator.settings import EmulatorSettings, change_settings
from planasonix_emulator.storage.records import CONNECTIONS, CREDENTIALS, StoredRecord

PLAIN: dict[str, Any] = {"trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
"""Clients use only loopback: loading the machine's certificates takes longer than most tests."""
DATABASE = {"name": "prod-db", "type": "database", "config": {"host": "db.example", "username": "app"}}
POSTGRES = {"name": "prod-pg", "type": "postgres", "config": {"host": "db.example", "port": 5432}}


@dataclass
class Api:
    """A running emulator and a client of its API."""

    emulator: Emulator
    client: httpx.Client

    def send(self, method: str, path: str, tree: Any = None, **more: Any) -> httpx.Response:
        """Send one request, with a JSON body if there is a tree."""
        return self.client.request(method, path, json=tree, **more)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Send a GET."""
        return self.client.get(path, params=query or None)

    def post(self, path: str, tree: Any = None) -> httpx.Response:
        """Send a POST."""
        return self.send("POST", path, tree)

    def put(self, path: str, tree: Any) -> httpx.Response:
        """Send a PUT."""
        return self.send("PUT", path, tree)

    def delete(self, path: str) -> httpx.Response:
        """Send a DELETE."""
        return self.send("DELETE", path)

    def credential(self, **fields: Any) -> str:
        """Create a credential and return its id."""
        answer = self.post("/api/credentials", DATABASE | fields)
        assert answer.is_success, answer.text
        return str(answer.json()["data"]["id"])

    def connection(self, **fields: Any) -> str:
        """Create a connection and return its id."""
        answer = self.post("/api/connections", POSTGRES | fields)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def held(self, name: str) -> dict[str, Any]:
        """Return the stored object with a name and the digests of its secrets with the salt `s`."""
        (found,) = [each for each in self.emulator.list_held_secrets("s") if each["name"] == name]
        return dict(found)


@pytest.fixture
def start() -> Iterator[Callable[..., Api]]:
    """Start emulators with the given options; they end with the test."""
    with ExitStack() as stack:

        def begin(**options: Any) -> Api:
            emulator = stack.enter_context(Emulator.start(**options))
            headers = {"Authorization": f"Bearer {emulator.key}"}
            client = httpx.Client(base_url=emulator.base_url, headers=headers, timeout=10, **PLAIN)
            return Api(emulator, stack.enter_context(client))

        yield begin


@pytest.fixture
def api(start: Callable[..., Api]) -> Api:
    """An emulator with the documented behaviour."""
    return start()


@pytest.fixture
def make_deployment() -> Iterator[Callable[..., Deployment]]:
    """Make deployments without a server, with the given settings."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Deployment:
            made = open_deployment(EmulatorOptions(), change_settings(EmulatorSettings(), settings))
            stack.callback(made.store.close)
            return made

        yield make


@pytest.fixture
def record() -> Callable[..., StoredRecord]:
    """Make records, credentials unless told otherwise."""

    def make(identifier: str = "cred_1", **fields: Any) -> StoredRecord:
        collection = CONNECTIONS if identifier.startswith("conn_") else CREDENTIALS
        defaults = {
            "collection": collection,
            "organization": "org_1",
            "name": identifier,
            "type": "postgres" if collection == CONNECTIONS else "database",
            "config": "{}",
            "created_at": 1_000_000,
            "updated_at": 1_000_000,
        }
        return StoredRecord(id=identifier, **defaults | fields)

    return make
