"""A run is killed at any crash point: before and after each request, journal line and state write."""

import pytest

from faults.fault_cases import (
    LAGS,
    LOST_RESPONSES,
    UNAPPLIED,
    FaultCase,
    at_each_request,
    crash_numbers,
    run_without_faults,
)
from faults.scenarios import CREATE, EVERYTHING, IN_PLACE, MOVES, REFUSALS, SCENARIOS, TEN

pytestmark = pytest.mark.faults
ALL = (*SCENARIOS.values(), *REFUSALS.values(), *MOVES.values(), TEN, EVERYTHING)
SMALL = (CREATE, IN_PLACE, SCENARIOS["adopt"], SCENARIOS["forget"])
CHANGES = (*SCENARIOS.values(), *REFUSALS.values(), *MOVES.values())
NAMES = [scenario.name for scenario in ALL]
DUPLICATE_NAMES = {"unique_names": False}


@pytest.mark.parametrize("scenario", ALL, ids=NAMES)
def test_the_next_run_repairs_a_kill(scenario, harness, assert_invariants):
    """At every crash point, and at every append with half of the line written."""
    passed = run_without_faults(harness, scenario).crash_points
    cases = [FaultCase(scenario=scenario, crash_at=number) for number in range(1, len(passed) + 1)]
    torn = [
        FaultCase(scenario=scenario, crash_at=n, torn_append=True)
        for n, name in enumerate(passed, 1)
        if name == "append"
    ]
    assert_invariants([*cases, *torn])


@pytest.mark.parametrize("scenario", CHANGES, ids=[scenario.name for scenario in CHANGES])
def test_a_kill_with_lagging_lists_leaves_no_duplicate(scenario, harness, assert_invariants):
    """The next run starts at once and sees old lists."""
    assert_invariants(
        [
            FaultCase(
                scenario=scenario, crash_at=number, settings={"list_lag_seconds": lag, **DUPLICATE_NAMES}
            )
            for number in crash_numbers(run_without_faults(harness, scenario))
            for lag in LAGS
        ]
    )


def test_an_unlisted_successor_is_not_treated_as_retired(assert_invariants):
    """No list shows the new successor, and the run is killed before it retires it."""
    scenario = REFUSALS["refused rotate replace"]
    lagging = {"list_lag_seconds": 10.0, **DUPLICATE_NAMES}
    assert_invariants(
        [FaultCase(scenario=scenario, crash_at=number, settings=lagging) for number in range(30, 38)]
    )


@pytest.mark.parametrize("scenario", CHANGES, ids=[scenario.name for scenario in CHANGES])
def test_a_kill_of_the_repairing_run(scenario, harness, assert_invariants):
    """The second run is killed at every crash point, too."""
    assert_invariants(
        [
            FaultCase(scenario=scenario, crash_at=first, second_crash_at=second)
            for first in crash_numbers(run_without_faults(harness, scenario))
            for second in crash_numbers(run_without_faults(harness, scenario, at=first))
        ]
    )


@pytest.mark.parametrize("scenario", SMALL, ids=[scenario.name for scenario in SMALL])
def test_a_fault_and_a_kill(scenario, harness, assert_invariants):
    """Each fault at each request, with a kill at each later crash point.

    A kill before the fault equals a kill without a fault, and is left out.
    """
    faults = at_each_request(
        len(run_without_faults(harness, scenario).requests), (*LOST_RESPONSES, *UNAPPLIED)
    )
    assert_invariants(
        [
            FaultCase(scenario=scenario, faults=(fault,), crash_at=at, settings=DUPLICATE_NAMES)
            for fault in faults
            for at in crash_numbers(
                run_without_faults(harness, scenario, fault, **DUPLICATE_NAMES), since=2 * fault["at"]
            )
        ]
    )
