"""The usage report of a workspace, and its notes on unknown data."""

from datetime import date, timedelta

import pytest

from certificates import make_certificate
from keyturn.operations.usage_report import build_usage_report


@pytest.fixture
def applied(setup, canary):
    """Apply a credential with a connection, and one with a label for its expiry."""
    setup.repo.credential("prod-db", {"password": canary()}, rotation={"max_age": "30d"})
    setup.repo.connection("prod-pg", "prod-db")
    config = {"engine": "mysql", "host": "my.example.com", "port": 3306, "username": "svc"}
    setup.repo.credential("prod-my", {"password": canary()}, config, labels={"expires": "2020-01-01"})
    setup.repo.project(policy={"rules": {"KT322": "off"}})
    assert setup.run("apply", "--yes").code == 0
    return setup


def report_of(run, **more):
    """Return the report and its credentials by name."""
    found = build_usage_report(run, decrypt=more.pop("decrypt", True))
    return found, {each.address.name: each for each in found.usages}


def test_each_credential_has_its_usage(applied, begin):
    """Users, age, expiry and recipients, from the service, the state and the manifests."""
    found, lines = report_of(begin())
    assert found.notes == ()
    used = lines["prod-db"]
    assert used.users.connections == ("prod-pg",)
    assert used.max_age_days == 30
    assert abs((used.rotated - date.today()).days) <= 1  # noqa: DTZ011  # the emulator has the same clock
    assert used.recipients == (f"age:{applied.repo.age.recipient}",)
    assert found.classes_of(lines["prod-my"]) == ("expiring", "unused")


def test_a_hidden_object_makes_users_unknown(applied, begin):
    """A list is filtered by the rights of the key."""
    ids = [each["id"] for each in applied.service.read_state()["connections"]]
    applied.service.change_settings(hidden=ids)
    found, lines = report_of(begin())
    assert "not shown to this key" in found.notes[0]
    assert lines["prod-my"].users.is_used is None
    assert lines["prod-my"].users.pipelines is None
    assert lines["prod-my"].users.schedules is None
    assert found.classes_of(lines["prod-my"]) == ("expiring", "unknown")


def test_an_unusable_row_makes_users_partial(applied, begin):
    """The report names the row."""
    odd = {"id": "a/b", "name": "zz", "type": "postgres", "config": {}}
    applied.service.seed_objects(connections=[odd])
    found, lines = report_of(begin())
    assert "of connections cannot be used: the ID of an object has other characters" in found.notes[0]
    assert not lines["prod-db"].users.complete
    assert lines["prod-my"].users.is_used is None


def test_the_expiry_of_a_certificate_in_a_secret(setup, begin, canary):
    """It is found only if secrets are decrypted."""
    pair = make_certificate(begin().clock.now().date() + timedelta(10))
    text = pair.pem + pair.private()
    setup.repo.credential(
        "prod-az",
        {"certificate": canary.add(text)},
        {"tenant_id": "t", "client_id": "c"},
        type="azure",
    )
    found, lines = report_of(begin())
    assert found.classes_of(lines["prod-az"])[0] == "expiring"
    _, closed = report_of(begin(), decrypt=False)
    assert closed["prod-az"].expiries == ()
