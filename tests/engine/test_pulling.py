"""Drift to git."""

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.engine.pulling import Ask, pull


@pytest.fixture
def settled(office, canary):
    """Return an office with an applied credential and its connection."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.here("apply", "--yes").code == 0
    office.service.clock(advance=5)
    return office


def taken(pulled):
    """Return the paths that were written, and those that were left, by name."""
    return {
        each.address.name: ([field.path for field in each.written], [left.path for left in each.left])
        for each in pulled
    }


@pytest.mark.usefixtures("settled")
def test_without_drift_there_is_nothing_to_pull(begin):
    """Nothing is said of what is as it should be."""
    assert pull(begin(), Ask()) == ()


def test_a_plain_field_is_written(settled, begin):
    """Once; then git has it."""
    settled.service.edit("connections", "prod-pg", config={"database": "scratch"})
    assert taken(pull(begin(), Ask(write=False))) == {"prod-pg": ([("config", "database")], [])}
    assert taken(pull(begin(), Ask())) == {"prod-pg": ([("config", "database")], [])}
    assert pull(begin(), Ask()) == ()


def test_a_destination_needs_consent(settled, begin):
    """By the name of the credential whose secret would follow; then the seal is written too."""
    settled.service.edit("credentials", "prod-db", config={"host": "new.example.com"})
    ((path, left),) = taken(pull(begin(), Ask())).values()
    assert (path, left) == ([], [("config", "host")])
    agreed = Ask(agreed=frozenset({"prod-db"}))
    (pulled,) = pull(begin(), agreed)
    assert pulled.sealed
    assert settled.here("plan", "--detailed-exitcode").code == 0


@pytest.mark.usefixtures("settled")
def test_a_name_that_means_nothing(begin):
    """Said before anything is asked."""
    with pytest.raises(Faulty) as caught:
        pull(begin(), Ask(names=("nobody",)))
    assert caught.value.findings[0].code == "KT071"
