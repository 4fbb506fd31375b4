"""Rotation by replacement."""

import pytest


def rotated(office, secret, *more):
    """Rotate by replacement."""
    office.repo.credential("prod-db", {"password": secret}, rotation={"strategy": "replace", "grace": "7d"})
    return office.here("apply", "--yes", *more)


@pytest.fixture
def settled(office, canary):
    """Return an office with a credential, a connection, and a target that knows the first secret."""
    first = canary()
    target = {"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": [first]}}
    office.service.set_targets([target])
    office.repo.connection("prod-pg", "prod-db")
    assert rotated(office, first).code == 0
    return office, first


def test_the_successor_takes_over(settled, canary):
    """The new object has the name and the connection; the old one has a retirement date in its name."""
    office, first = settled
    second = canary()
    before = office.live()["prod-db"]["id"]
    target = {
        "type": "postgres",
        "match": {"host": "db.example.com"},
        "accepts": {"password": [first, second]},
    }
    office.service.set_targets([target])
    done = rotated(office, second)
    assert done.code == 0, done.stdout + done.stderr
    after = office.live()
    assert after["prod-db"]["id"] != before
    assert office.live("connections")["prod-pg"]["credentialId"] == after["prod-db"]["id"]
    assert [name for name in after if name.startswith("prod-db-until-")]


def test_a_rejected_successor_changes_nothing(settled, canary):
    """Nothing uses the new credential, and it is deleted."""
    office, _ = settled
    before = (office.live(), office.live("connections"))
    assert rotated(office, canary()).code == 1
    assert (office.live(), office.live("connections")) == before
