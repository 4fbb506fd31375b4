"""keyturn revoke, keyturn purge."""

import pytest

from keyturn.operations.run_context import create_system_clock
from keyturn.state.lock import LockHolder, acquire_lock
from keyturn.state.stores import open_store


def test_revoke_says_what_it_did_and_what_comes_next(settled):
    """Results on standard output, advice beside it."""
    done = settled.here("revoke", "prod-db", "--yes")
    assert done.code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["detach", "soft-delete"]
    assert "--allow-restore prod-db" in done.stderr
    assert settled.live() == {}


def test_revoke_is_in_the_log(settled):
    """Who, on which host, and each step with its end."""
    assert settled.here("revoke", "prod-db", "--yes").code == 0
    told = settled.here("log").stdout
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
    assert settled.here("log", "--verify").code == 0


def test_revoke_says_what_is_not_recorded(settled):
    """Another run holds the lock: it is done all the same, with a warning."""
    store = open_store("file:.keyturn/prod", settled.repo.root, {})
    acquire_lock(store, LockHolder(id="x", who="ada", host="elsewhere"), create_system_clock())
    done = settled.here("revoke", "prod-db", "--yes")
    assert done.code == 0
    assert "warning: the journal is incomplete: ada on elsewhere holds the lock" in done.stderr
    assert settled.live() == {}


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_revoke_asks_on_a_terminal(settled, answer, left):
    """No means no."""
    settled.here("revoke", "prod-db", stdin=answer, ttys=["stdin"])
    assert len(settled.live()) == left


def test_purge_asks_for_the_name(settled):
    """The name once more, or nothing."""
    settled.repo.remove("prod-db", "prod-pg")
    assert settled.here("apply", "--yes", "--allow-retire", "2", "--allow-empty").code == 0
    assert settled.here("purge", "prod-db", stdin="prod-dbb\n", ttys=["stdin"]).code == 64
    done = settled.here("purge", "prod-db", stdin="prod-db\n", ttys=["stdin"])
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("purged credential/prod-db (")
    assert settled.service.read_state()["credentials"] == []
