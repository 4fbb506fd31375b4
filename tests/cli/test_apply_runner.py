"""The doing of apply: interrupts, questions, exit codes."""

import os
import signal

import pytest

from keyturn.cli.apply_runner import InterruptHandler, apply_exit_code
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_before_the_first_write_ends_at_once(number):
    """Nothing has to be finished, so nothing is waited for."""
    with InterruptHandler() as interrupts, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert not interrupts.is_stopped()


def test_an_interrupt_between_writes_is_gentle(capfd):
    """What is under way is finished, and it is said how to leave at once."""
    with InterruptHandler() as interrupts:
        interrupts.defer_interrupts()
        assert not interrupts.is_stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.is_stopped()
    assert "no new change starts" in capfd.readouterr().err


def test_handlers_are_put_back():
    """Whoever was there before is there again."""
    before = signal.getsignal(signal.SIGINT)
    with InterruptHandler():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
