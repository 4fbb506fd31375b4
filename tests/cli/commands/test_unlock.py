"""keyturn unlock."""

import time
from datetime import UTC, datetime

import pytest

from keyturn.model.clock import RunClock
from keyturn.state.lock import LockHolder, acquire_lock
from keyturn.state.stores import open_store


@pytest.fixture
def locked(setup):
    """Return a setup whose lock somebody holds elsewhere."""
    clock = RunClock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    store = open_store("file:.keyturn/prod", setup.repo.root, {})
    acquire_lock(store, LockHolder(id="3f9c", who="ada", host="elsewhere"), clock)
    return setup


def test_the_right_id(locked):
    """Whose lock it was is said."""
    done = locked.run("unlock", "3f9c")
    assert (done.code, done.stdout) == (0, "The lock of ada on elsewhere is released.\n")


def test_another_id(locked):
    """The lock stays, and the id that would do is named."""
    done = locked.run("unlock", "3f9d")
    assert done.code == 4
    assert "KT612" in done.stderr
    assert "3f9c" in done.stderr


def test_a_damaged_lock(locked):
    """It goes by the id that the refusal names."""
    (locked.repo.root / ".keyturn/prod/lock.json").write_text("{")
    refused = locked.run("unlock", "3f9c")
    assert refused.code == 4
    assert "KT613" in refused.stderr
    name = refused.stderr.split("keyturn unlock ")[1].split("`")[0]
    assert locked.run("unlock", name).stdout == "The lock record was damaged; the lock is released.\n"
