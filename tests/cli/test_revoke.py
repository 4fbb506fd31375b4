"""keyturn revoke, keyturn purge."""

import pytest


def test_revoke_says_what_it_did_and_what_comes_next(settled):
    """Results on standard output, advice beside it."""
    done = settled.here("revoke", "prod-db", "--yes")
    assert done.code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["detach", "soft-delete"]
    assert "--allow-restore prod-db" in done.stderr
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
