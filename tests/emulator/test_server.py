"""The emulator in this process."""

import socket
import threading

import httpx
import pytest

from planasonix_emulator.server import Emulator, EmulatorOptions, bind_socket, open_deployment
from planasonix_emulator.settings import EmulatorSettings, SettingsError


def test_it_ends_with_its_block():
    """The end of the block stops the server, also with open connections and hanging requests."""
    before = threading.active_count()
    with Emulator.start() as emulator, httpx.Client(trust_env=False) as client:
        emulator.add_fault("hang")
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{emulator.base_url}/api/organization", timeout=httpx.Timeout(10, read=0.05))
        client.get(f"{emulator.base_url}/api/openapi.json")
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{emulator.base_url}/api/organization", trust_env=False)
    emulator.stop()


def test_emulators_do_not_know_each_other(start):
    """Two emulators have their own ports, keys and objects."""
    one, two = start(), start()
    one.credential()
    assert two.get("/api/credentials").json()["data"] == []
    assert one.client.get(two.emulator.base_url + "/api/credentials").status_code == 401


def test_options_are_of_setup_or_settings(start):
    """Options that are not start options are settings; unknown names are rejected."""
    api = start(key="mine", organization="org_mine", control="token", page_size=3)
    assert (api.emulator.key, api.emulator.organization, api.emulator.token) == ("mine", "org_mine", "token")
    assert api.emulator.read_settings()["page_size"] == 3
    with pytest.raises(SettingsError, match="no_such"):
        Emulator.start(no_such=1)


def test_a_port_that_is_taken_is_an_error(start):
    """A port in use is an error, and nothing stays open."""
    taken = int(start().emulator.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator.start(port=taken)


def test_a_database_outlives_its_emulator(start, tmp_path, canary):
    """Objects and secrets are there when the same database is served again."""
    database, secret = str(tmp_path / "emulator.db"), canary()
    first = start(database=database)
    identifier = first.credential(config={"password": secret})
    before = first.held("prod-db")
    first.emulator.stop()
    again = start(database=database)
    assert again.held("prod-db") == before
    assert again.get(f"/api/credentials/{identifier}").status_code == 200


def test_another_key_does_not_open_a_database(tmp_path):
    """A database cannot be opened with another encryption key."""
    open_deployment(EmulatorOptions(database=str(tmp_path / "a.db")), EmulatorSettings()).store.close()
    other = EmulatorOptions(database=str(tmp_path / "a.db"), encryption_key=tmp_path / "other.key")
    with pytest.raises(SettingsError, match="encryption key"):
        open_deployment(other, EmulatorSettings())


def test_port_0_takes_any_free_port():
    """A socket listens on loopback before a server answers."""
    with bind_socket("127.0.0.1", 0) as listening:
        host, port = listening.getsockname()
        assert host == "127.0.0.1"
        socket.create_connection((host, port)).close()


def test_connections_are_kept(api):
    """Requests reuse one connection, and responses have no server header."""
    streams = set()
    for _ in range(3):
        answer = api.get("/api/organization")
        streams.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
        assert "server" not in answer.headers
    assert len(streams) == 1
