"""What the service shows, as values."""

import dataclasses

import pytest

from keyturn.api.records import Figures, Listing, Record, TestResult


@pytest.mark.parametrize("value", [Record(id="a"), Listing(records=()), TestResult(ok=None)], ids=repr)
def test_values_do_not_change(value):
    """A record, a list and a result are frozen."""
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, "other")


def test_in_the_trash_or_not():
    """A status or a date says that an object is in the trash."""
    assert Record(id="a", status="deleted").deleted
    assert Record(id="a", deleted_at="2026-01-01T00:00:00Z").deleted
    assert not Record(id="a", status="active").deleted


def test_what_was_shown_openly():
    """Of the hidden paths those are leaks that held a value and not a mask."""
    record = Record(id="a", hidden={("config", "password"): True, ("config", "token"): False})
    assert record.leaked == (("config", "password"),)


def test_the_total_of_figures():
    """All requests, by whatever verb."""
    assert Figures(by_verb={"list": 2, "create": 3}, repeated=1, waited=0.5).total == 5
