"""The machine: whatever happens in whatever order, git is reached in two runs; and its own test."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from faults.conftest import WHOLE
from faults.machine import Machine

pytestmark = [pytest.mark.faults, pytest.mark.hypothesis]


def test_whatever_happens_git_is_reached_in_two_runs(rig, record_property):
    """Manifests, edits, deletions, faults, lags, deaths and applies, then two runs without trouble."""
    Machine.rig = rig
    examples, steps = (400, 25) if WHOLE else (25, 12)
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=steps, derandomize=True)
    )
    record_property("cases", examples)
