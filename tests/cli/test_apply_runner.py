"""The exit codes of apply."""

import pytest

from keyturn.cli.apply_runner import apply_exit_code
from keyturn.model.change import ChangeOutcome, OutcomeStatus
from keyturn.model.plan import Plan
from keyturn.operations.apply.session import ApplyReport
from sample_resources import credential_address

PLAN = Plan(workspace="prod", organization="org", changes=())


def report(*endings, **more):
    """Return the report of an apply whose changes ended so."""
    outcomes = tuple(
        ChangeOutcome(address=credential_address("x"), action="create", outcome_status=each)
        for each in endings
    )
    return ApplyReport(plan=PLAN, outcomes=outcomes, **more)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (report(), 0),
        (report(OutcomeStatus.DONE, OutcomeStatus.DONE), 0),
        (report(OutcomeStatus.FAILED), 1),
        (report(OutcomeStatus.FAILED, OutcomeStatus.BLOCKED), 1),
        (report(OutcomeStatus.DONE, OutcomeStatus.FAILED), 3),
        (report(OutcomeStatus.UNKNOWN), 3),
        (report(OutcomeStatus.STALE), 4),
        (report(OutcomeStatus.DONE, OutcomeStatus.STALE), 4),
        (report(OutcomeStatus.DONE, OutcomeStatus.STALE, OutcomeStatus.FAILED), 3),
        (report(OutcomeStatus.DONE, OutcomeStatus.FAILED, unauthorized=True), 6),
        (report(OutcomeStatus.DONE, stopped=True), 130),
    ],
)
def test_exit_codes(made, expected):
    """Done, failed, in part, moved, refused, interrupted: each is its own number."""
    assert apply_exit_code(made) == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (report(OutcomeStatus.DONE), 0),
        (report(OutcomeStatus.FAILED), 130),
        (report(OutcomeStatus.DONE, OutcomeStatus.UNKNOWN), 130),
        (report(OutcomeStatus.FAILED, unauthorized=True), 6),
    ],
)
def test_an_interrupt_counts_if_a_change_did_not_finish(made, expected):
    """A wait that the interrupt ended fails its change."""
    assert apply_exit_code(made, is_interrupted=True) == expected
