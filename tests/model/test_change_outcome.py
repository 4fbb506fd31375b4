"""Outcomes of changes."""

import pytest

from keyturn.model.change import ChangeOutcome, OutcomeStatus
from sample_resources import connection_address, credential_address


def test_an_outcome_has_no_text_by_default():
    """A successful change needs no message."""
    outcome = ChangeOutcome(
        address=credential_address("a"), action="create", outcome_status=OutcomeStatus.DONE
    )
    assert (outcome.message, outcome.hint, outcome.waits_for, outcome.warnings) == ("", "", (), ())


def test_an_outcome_lists_what_it_waits_for():
    """A blocked change names the changes that block it."""
    outcome = ChangeOutcome(
        address=connection_address("a"),
        action="update",
        outcome_status=OutcomeStatus.BLOCKED,
        waits_for=(credential_address("a"),),
    )
    assert [str(each) for each in outcome.waits_for] == ["credential/a"]


def test_an_outcome_is_immutable():
    """Assigning a field raises."""
    with pytest.raises(AttributeError, match="immutable"):
        ChangeOutcome(
            address=credential_address("a"), action="create", outcome_status=OutcomeStatus.DONE
        ).outcome_status = OutcomeStatus.FAILED


def test_status_values_are_unique():
    """Each status has its own value."""
    assert len({each.value for each in OutcomeStatus}) == len(OutcomeStatus)
