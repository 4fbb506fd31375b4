"""Random sequences: the manifests are reached in two runs. The state machine detects broken engines."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from faults.broken_engines import ADOPTS_ANYTHING, BROKEN_ENGINES, NO_LOCK
from faults.conftest import ALL_CASES
from faults.scenarios import CREATE
from faults.state_machine import ApplyMachine, InvariantBroken

pytestmark = [pytest.mark.faults, pytest.mark.hypothesis]

MISTAKES = {
    **{each.name: each.install for each in BROKEN_ENGINES},
    "takes no lock": NO_LOCK,
    "adopts any object of the name": ADOPTS_ANYTHING,
}
UNDETECTABLE = {
    "does not roll back": "a rollback reads the previous secret from a commit; the model has no commits",
    "renames with a partial body": "the full body is read from a commit; the model has no commits",
    "tests a new secret at the old destination": "the model has one host",
    "does not read back after a write": "a secret without a new time is sent again; the rest is too rare",
    "treats unlisted objects as retired": "lag, a rejected replacement, a kill at one point: too rare",
}
"""Mistakes that the state machine cannot detect, with the reason; the fixed cases detect them."""

DETECTABLE = tuple(each for each in MISTAKES if each not in UNDETECTABLE)

QUICK = ("writes the intent after the request", "trusts a truncated list", "takes no lock")
"""Mistakes detected within two seconds."""


@pytest.fixture
def machine(harness):
    """Return the state machine with its harness."""
    harness.prepare(CREATE)
    ApplyMachine.harness = harness
    return ApplyMachine


def test_two_runs_reach_the_manifests(machine, record_property):
    """After commits, edits, deletions, faults, lags, kills and applies."""
    examples, steps = (600, 20) if ALL_CASES else (40, 12)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, derandomize=True)
    )
    record_property("cases", examples)


@pytest.mark.parametrize("mistake", DETECTABLE if ALL_CASES else QUICK)
def test_the_state_machine_detects_a_broken_engine(mistake, machine, record_property):
    """An invariant breaks within a bounded number of examples."""
    quick = settings(
        max_examples=1600,
        stateful_step_count=12,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        MISTAKES[mistake](patch)
        with pytest.raises(InvariantBroken):
            run_state_machine_as_test(machine, settings=quick)
    record_property("caught", True)


def test_the_lists_of_broken_engines_are_consistent():
    """Names in the exception lists exist."""
    assert UNDETECTABLE.keys() < MISTAKES.keys()
    assert set(QUICK) < set(DETECTABLE)
