"""Rotation by replacement."""

import pytest


def rotated(setup, secret, *more):
    """Rotate by replacement."""
    setup.repo.credential("prod-db", {"password": secret}, rotation={"strategy": "replace", "grace": "7d"})
    return setup.run("apply", "--yes", *more)


@pytest.fixture
def applied_setup(setup, canary):
    """Return a setup with a credential, a connection, and a target that knows the first secret."""
    first = canary()
    target = {"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": [first]}}
    setup.service.set_targets([target])
    setup.repo.connection("prod-pg", "prod-db")
    assert rotated(setup, first).code == 0
    return setup, first


def test_the_successor_takes_over(applied_setup, canary):
    """The new object has the name and the connection; the old one has a retirement date in its name."""
    setup, first = applied_setup
    second = canary()
    before = setup.live()["prod-db"]["id"]
    target = {
        "type": "postgres",
        "match": {"host": "db.example.com"},
        "accepts": {"password": [first, second]},
    }
    setup.service.set_targets([target])
    done = rotated(setup, second)
    assert done.code == 0, done.stdout + done.stderr
    after = setup.live()
    assert after["prod-db"]["id"] != before
    assert setup.live("connections")["prod-pg"]["credentialId"] == after["prod-db"]["id"]
    assert [name for name in after if name.startswith("prod-db-until-")]


def test_a_rejected_successor_changes_nothing(applied_setup, canary):
    """Nothing uses the new credential, and it is deleted."""
    setup, _ = applied_setup
    before = (setup.live(), setup.live("connections"))
    assert rotated(setup, canary()).code == 1
    assert (setup.live(), setup.live("connections")) == before
