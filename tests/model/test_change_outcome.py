"""Outcomes: how a change ended."""

import pytest

from keyturn.model.change import ChangeOutcome, OutcomeStatus
from making import connection, credential


def test_an_outcome_says_little_unless_told():
    """What went well needs no words."""
    outcome = ChangeOutcome(address=credential("a"), action="create", outcome_status=OutcomeStatus.DONE)
    assert (outcome.message, outcome.hint, outcome.waits_for, outcome.warnings) == ("", "", (), ())


def test_an_outcome_names_what_it_waits_for():
    """What was blocked says by what."""
    outcome = ChangeOutcome(
        address=connection("a"),
        action="update",
        outcome_status=OutcomeStatus.BLOCKED,
        waits_for=(credential("a"),),
    )
    assert [str(each) for each in outcome.waits_for] == ["credential/a"]


def test_an_outcome_does_not_change():
    """How something ended stays."""
    with pytest.raises(AttributeError, match="immutable"):
        ChangeOutcome(
            address=credential("a"), action="create", outcome_status=OutcomeStatus.DONE
        ).outcome_status = OutcomeStatus.FAILED


def test_endings_are_told_apart():
    """Each way to end has its own word."""
    assert len({each.value for each in OutcomeStatus}) == len(OutcomeStatus)
