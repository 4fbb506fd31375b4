"""keyturn revoke, keyturn purge."""

import pytest

from keyturn.operations.run_context import create_system_clock
from keyturn.state.lock import LockHolder, acquire_lock
from keyturn.state.stores import open_store


def test_revoke_says_what_it_did_and_what_comes_next(applied_setup):
    """Results on standard output, advice beside it."""
    done = applied_setup.run("revoke", "prod-db", "--yes")
    assert done.code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["detach", "soft-delete"]
    assert "--allow-restore prod-db" in done.stderr
    assert applied_setup.live() == {}


def test_revoke_is_in_the_log(applied_setup):
    """Who, on which host, and each step with its end."""
    assert applied_setup.run("revoke", "prod-db", "--yes").code == 0
    told = applied_setup.run("log").stdout
    last = [line.split("Z", 1)[1].strip() for line in told.splitlines() if "Z" in line][-7:]
    assert last[0].startswith("revoke ")
    assert " by " in last[0]
    assert " on " in last[0]
    assert last[1:5] == [
        "detach connection/prod-pg (revoke)",
        "done connection/prod-pg",
        "soft-delete credential/prod-db (revoke)",
        "done credential/prod-db",
    ]
    assert last[5].endswith(": 2 done")
    assert applied_setup.run("log", "--verify").code == 0


def test_revoke_says_what_is_not_recorded(applied_setup):
    """Another run holds the lock: it is done all the same, with a warning."""
    store = open_store("file:.keyturn/prod", applied_setup.repo.root, {})
    acquire_lock(store, LockHolder(id="x", who="ada", host="elsewhere"), create_system_clock())
    done = applied_setup.run("revoke", "prod-db", "--yes")
    assert done.code == 0
    assert "warning: the journal is incomplete: ada on elsewhere holds the lock" in done.stderr
    assert applied_setup.live() == {}


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_revoke_asks_on_a_terminal(applied_setup, answer, left):
    """No means no."""
    applied_setup.run("revoke", "prod-db", stdin=answer, ttys=["stdin"])
    assert len(applied_setup.live()) == left


def test_purge_asks_for_the_name(applied_setup):
    """The name once more, or nothing."""
    applied_setup.repo.remove("prod-db", "prod-pg")
    assert applied_setup.run("apply", "--yes", "--allow-retire", "2", "--allow-empty").code == 0
    assert applied_setup.run("purge", "prod-db", stdin="prod-dbb\n", ttys=["stdin"]).code == 64
    done = applied_setup.run("purge", "prod-db", stdin="prod-db\n", ttys=["stdin"])
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("purged credential/prod-db (")
    assert applied_setup.service.read_state()["credentials"] == []
