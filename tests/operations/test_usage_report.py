"""The review of a workspace: what is seen, and what is said of what is not."""

from datetime import date, timedelta

import pytest

from certificates import certificate
from keyturn.operations.usage_report import build_usage_report


@pytest.fixture
def settled(office, canary):
    """Apply a credential with a connection, and one that expires by its label."""
    office.repo.credential("prod-db", {"password": canary()}, rotation={"max_age": "30d"})
    office.repo.connection("prod-pg", "prod-db")
    config = {"engine": "mysql", "host": "my.example.com", "port": 3306, "username": "svc"}
    office.repo.credential("prod-my", {"password": canary()}, config, labels={"expires": "2020-01-01"})
    office.repo.project(policy={"rules": {"KT322": "off"}})
    assert office.here("apply", "--yes").code == 0
    return office


def seen(run, **more):
    """Return the review and its credentials by name."""
    found = build_usage_report(run, decrypt=more.pop("decrypt", True))
    return found, {each.address.name: each for each in found.usages}


def test_each_credential_has_its_line(settled, begin):
    """Use, age, end and readers, from the service, the state and the files."""
    found, lines = seen(begin())
    assert found.notes == ()
    used = lines["prod-db"]
    assert used.users.connections == ("prod-pg",)
    assert used.max_age_days == 30
    assert abs((used.rotated - date.today()).days) <= 1  # noqa: DTZ011  # the emulator has the same clock
    assert used.recipients == (f"age:{settled.repo.age.recipient}",)
    assert found.classes_of(lines["prod-my"]) == ("expiring", "unused")


def test_an_object_that_is_hidden_makes_use_unknown(settled, begin):
    """Absence from a list that rights may have cut is no proof."""
    ids = [each["id"] for each in settled.service.read_state()["connections"]]
    settled.service.change_settings(hidden=ids)
    found, lines = seen(begin())
    assert "not shown to this key" in found.notes[0]
    assert lines["prod-my"].users.is_used is None
    assert lines["prod-my"].users.pipelines is None
    assert lines["prod-my"].users.schedules is None
    assert found.classes_of(lines["prod-my"]) == ("expiring", "unknown")


def test_a_certificate_among_the_secrets_is_looked_into(office, begin, canary):
    """With keys, what ends inside of a secret is found; without them, it is not asked for."""
    pair = certificate(begin().clock.now().date() + timedelta(10))
    text = pair.pem + pair.private()
    office.repo.credential(
        "prod-az",
        {"certificate": canary.add(text)},
        {"tenant_id": "t", "client_id": "c"},
        type="azure",
    )
    found, lines = seen(begin())
    assert found.classes_of(lines["prod-az"])[0] == "expiring"
    _, closed = seen(begin(), decrypt=False)
    assert closed["prod-az"].expiries == ()
