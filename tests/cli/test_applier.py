"""The doing of apply: interrupts, questions, exit codes."""

import os
import signal

import pytest

from keyturn.cli.applier import Interrupts, code_of
from keyturn.core.outcome import Ending, Outcome
from keyturn.core.plan import Plan
from keyturn.engine.session import Report
from making import credential

PLAN = Plan(workspace="prod", organization="org", changes=())


def report(*endings, **more):
    """Return the report of an apply whose changes ended so."""
    outcomes = tuple(Outcome(address=credential("x"), action="create", ending=each) for each in endings)
    return Report(plan=PLAN, outcomes=outcomes, **more)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (report(), 0),
        (report(Ending.DONE, Ending.DONE), 0),
        (report(Ending.FAILED), 1),
        (report(Ending.FAILED, Ending.BLOCKED), 1),
        (report(Ending.DONE, Ending.FAILED), 3),
        (report(Ending.UNSURE), 3),
        (report(Ending.STALE), 4),
        (report(Ending.DONE, Ending.STALE), 4),
        (report(Ending.DONE, Ending.STALE, Ending.FAILED), 3),
        (report(Ending.DONE, Ending.FAILED, denied=True), 6),
        (report(Ending.DONE, halted=True), 130),
    ],
)
def test_exit_codes(made, expected):
    """Done, failed, in part, moved, refused, interrupted: each is its own number."""
    assert code_of(made) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_before_the_first_write_ends_at_once(number):
    """Nothing has to be finished, so nothing is waited for."""
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert not interrupts.stopped()


def test_an_interrupt_between_writes_is_gentle(capfd):
    """What is under way is finished, and it is said how to leave at once."""
    with Interrupts() as interrupts:
        interrupts.soften()
        assert not interrupts.stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.stopped()
    assert "nothing new begins" in capfd.readouterr().err


def test_handlers_are_put_back():
    """Whoever was there before is there again."""
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
