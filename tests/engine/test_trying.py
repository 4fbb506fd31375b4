"""Connection tests on demand."""

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.core.trial import End
from keyturn.engine.trying import Budget, try_out
from keyturn.engine.watch import Watch


@pytest.fixture
def settled(office, canary):
    """Return an office with three connections on one credential, whose secret the targets know."""
    secret = canary()
    office.service.set_targets([{"type": "postgres", "accepts": {"password": [secret]}}])
    office.repo.credential("prod-db", {"password": secret})
    for name in ("prod-a", "prod-b", "prod-c"):
        office.repo.connection(name, "prod-db")
    assert office.here("apply", "--yes").code == 0
    return office


def ends(run, *names, budget=None):
    """Return how each test ended, by name."""
    session = try_out(run, names, budget or Budget(), Watch())
    return {each.address.name: each.end for each in session.tried}


@pytest.mark.usefixtures("settled")
def test_all_of_ours(begin):
    """Or those that are named."""
    assert ends(begin()) == dict.fromkeys(("prod-a", "prod-b", "prod-c"), End.PASSED)
    assert ends(begin(), "prod-b") == {"prod-b": End.PASSED}


def test_strangers_are_counted_and_left_alone(settled, begin):
    """Nobody approved a test of them."""
    where = {"host": "h", "port": 1, "database": "d"}
    settled.service.seed(connections=[{"name": "made-in-ui", "type": "postgres", "config": where}])
    session = try_out(begin(), (), Budget(), Watch())
    assert session.strangers == 1
    assert "made-in-ui" not in {each.address.name for each in session.tried}


@pytest.mark.parametrize(("failures", "failed"), [(1, 1), (2, 2), (9, 3)])
def test_an_account_is_not_locked(settled, begin, canary, failures, failed):
    """After so many failed logins the credential's other connections are left alone."""
    settled.service.set_targets([{"type": "postgres", "accepts": {"password": [canary()]}}])
    found = list(ends(begin(), budget=Budget(failures=failures)).values())
    assert found.count(End.FAILED) == failed
    assert found.count(End.SKIPPED) == 3 - failed


@pytest.mark.usefixtures("settled")
def test_a_name_that_means_nothing(begin):
    """A typing mistake is no success."""
    with pytest.raises(Faulty) as caught:
        ends(begin(), "nobody")
    assert caught.value.findings[0].code == "KT070"
