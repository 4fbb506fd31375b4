"""Outcomes: how a change ended."""

from dataclasses import FrozenInstanceError

import pytest

from keyturn.core.outcome import Ending, Outcome
from making import connection, credential


def test_an_outcome_says_little_unless_told():
    """What went well needs no words."""
    outcome = Outcome(address=credential("a"), action="create", ending=Ending.DONE)
    assert (outcome.message, outcome.hint, outcome.waits_for, outcome.warnings) == ("", "", (), ())


def test_an_outcome_names_what_it_waits_for():
    """What was blocked says by what."""
    outcome = Outcome(
        address=connection("a"), action="update", ending=Ending.BLOCKED, waits_for=(credential("a"),)
    )
    assert [str(each) for each in outcome.waits_for] == ["credential/a"]


def test_an_outcome_does_not_change():
    """How something ended stays."""
    with pytest.raises(FrozenInstanceError):
        Outcome(address=credential("a"), action="create", ending=Ending.DONE).ending = Ending.FAILED


def test_endings_are_told_apart():
    """Each way to end has its own word."""
    assert len({each.value for each in Ending}) == len(Ending)
