"""The machine: whatever happens in whatever order, git is reached in two runs. And its own test."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from faults.conftest import WHOLE
from faults.engines import ADOPTS_ANYTHING, ENGINES, NO_LOCK
from faults.machine import Broken, Machine
from faults.scenes import CREATE

pytestmark = [pytest.mark.faults, pytest.mark.hypothesis]

MISTAKES = {
    **{each.name: each.make for each in ENGINES},
    "takes no lock": NO_LOCK,
    "adopts what a stranger made": ADOPTS_ANYTHING,
}
OUT_OF_REACH = {
    "does not roll back": "a roll-back reads the last secret from a commit, and these manifests are in none",
    "sends a mere name to a service that takes wholes": "the same: what goes along is read from a commit",
    "tries a new secret at the old place": "all connections lead to one host: there is no other place",
    "does not read back after a write": "a secret without a sign is sent again; what is left is too rare",
    "takes what a list does not show for retired": "lag, a refused hand-over, a death at one door: too rare",
}
"""Mistakes that the machine cannot show, and why; the campaign shows them."""

WITHIN = tuple(each for each in MISTAKES if each not in OUT_OF_REACH)

QUICK = ("writes its intent after the request", "believes a truncated list", "takes no lock")
"""Those that the machine shows within a second or two."""


@pytest.fixture
def machine(rig):
    """Return the machine, with its rig."""
    rig.stage_of(CREATE)
    Machine.rig = rig
    return Machine


def test_whatever_happens_git_is_reached_in_two_runs(machine, record_property):
    """Manifests, edits, deletions, faults, lags, deaths and applies, then two runs without trouble."""
    examples, steps = (600, 20) if WHOLE else (40, 12)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, derandomize=True)
    )
    record_property("cases", examples)


@pytest.mark.parametrize("mistake", WITHIN if WHOLE else QUICK)
def test_the_machine_catches_a_mistake(mistake, machine, record_property):
    """An engine with one mistake breaks an invariant before long."""
    quick = settings(
        max_examples=1600,
        stateful_step_count=12,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        MISTAKES[mistake](patch)
        with pytest.raises(Broken):
            run_state_machine_as_test(machine, settings=quick)
    record_property("caught", True)


def test_every_mistake_is_within_reach_or_has_its_reason():
    """What is said to be out of reach is a mistake that there is, and so is what is quickly shown."""
    assert OUT_OF_REACH.keys() < MISTAKES.keys()
    assert set(QUICK) < set(WITHIN)
