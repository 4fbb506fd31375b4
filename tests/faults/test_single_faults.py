"""Every single fault at every request of every action."""

import pytest

from faults.fault_cases import (
    LAGS,
    LOST_RESPONSES,
    PUT_SEMANTICS,
    UI_EDITS,
    UNAPPLIED,
    FaultCase,
    at_each_request,
    run_without_faults,
)
from faults.in_process import is_write
from faults.memory_store import CrashPoints
from faults.scenarios import EVERYTHING, MOVES, REFUSALS, SCENARIOS, SETS, VERIFY

pytestmark = pytest.mark.faults
ALL = (*SCENARIOS.values(), *REFUSALS.values(), *MOVES.values())
NAMES = [scenario.name for scenario in ALL]


@pytest.mark.parametrize("scenario", [*ALL, EVERYTHING], ids=[*NAMES, EVERYTHING.name])
def test_without_a_fault_all_invariants_hold(scenario, assert_invariants):
    """So a broken invariant elsewhere is caused by its fault."""
    assert_invariants([FaultCase(scenario=scenario)])


@pytest.mark.parametrize("scenario", [*ALL, EVERYTHING], ids=[*NAMES, EVERYTHING.name])
def test_all_put_semantics(scenario, assert_invariants):
    """Services that merge, replace, delete omitted secrets, or require full objects."""
    assert_invariants([FaultCase(scenario=scenario, settings=how) for how in PUT_SEMANTICS])


@pytest.mark.parametrize("scenario", ALL, ids=NAMES)
def test_a_lost_response(scenario, harness, assert_invariants):
    """The request is applied and the response is lost, in nine ways."""
    requests = len(run_without_faults(harness, scenario).requests)
    assert_invariants(
        [FaultCase(scenario=scenario, faults=(fault,)) for fault in at_each_request(requests, LOST_RESPONSES)]
    )


@pytest.mark.parametrize("scenario", ALL, ids=NAMES)
def test_an_unapplied_request(scenario, harness, assert_invariants):
    """The request is not applied: an error, a rejection, 429, or a false success."""
    requests = len(run_without_faults(harness, scenario).requests)
    assert_invariants(
        [FaultCase(scenario=scenario, faults=(fault,)) for fault in at_each_request(requests, UNAPPLIED)]
    )


def test_an_ignored_rollback_is_not_tested(harness, assert_invariants):
    """The service keeps the new secret, which must not be sent to the previous destination."""
    scenario = MOVES["refused move in_place"]
    requests = enumerate(run_without_faults(harness, scenario).requests, 1)
    last = max(number for number, each in requests if each["method"] == "PUT")
    assert_invariants([FaultCase(scenario=scenario, faults=({"kind": "ignore", "at": last},))])


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_an_edit_at_any_request_is_noticed(scenario, harness, assert_invariants):
    """Before, during and after each request."""
    requests = len(run_without_faults(harness, scenario).requests)
    assert_invariants(
        [FaultCase(scenario=scenario, faults=(fault,)) for fault in at_each_request(requests, UI_EDITS)]
    )


@pytest.mark.parametrize("scenario", [*ALL, SETS], ids=[*NAMES, SETS.name])
def test_a_doubled_request(scenario, harness, assert_invariants):
    """A proxy sends a request twice and returns the first or the second response."""
    requests = len(run_without_faults(harness, scenario).requests)
    faults = [{"kind": "double_first"}, {"kind": "double_second"}]
    assert_invariants(
        [FaultCase(scenario=scenario, faults=(fault,)) for fault in at_each_request(requests, faults)]
    )


SHAPES = {
    "reads lag": {"read_lag_seconds": 1.5},
    "sets in any order": {"unordered_fields": ["scopes", "topics"]},
    "times in any form": {"mixed_timestamps": True, "precision": "milliseconds"},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scenario", [*ALL, SETS, EVERYTHING], ids=[*NAMES, SETS.name, EVERYTHING.name])
def test_any_shape_of_a_response(scenario, shape, assert_invariants):
    """Lags, orders and forms that say nothing about an object."""
    assert_invariants([FaultCase(scenario=scenario, settings=SHAPES[shape])])


@pytest.mark.parametrize("scenario", ALL, ids=NAMES)
def test_a_lost_response_with_lagging_lists(scenario, harness, assert_invariants):
    """Lags of 0.4, 2 and 10 s, with unique names and without."""
    numbers = [
        number
        for number, each in enumerate(run_without_faults(harness, scenario).requests, 1)
        if is_write(each["method"], each["path"])
    ]
    assert_invariants(
        [
            FaultCase(
                scenario=scenario,
                faults=({**fault, "at": number},),
                settings={"list_lag_seconds": lag, "unique_names": unique},
            )
            for number in numbers
            for fault in (*LOST_RESPONSES[:2], UNAPPLIED[2])
            for lag in LAGS
            for unique in (True, False)
        ]
    )


@pytest.mark.parametrize(
    "fault", [*LOST_RESPONSES, *UNAPPLIED], ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}"
)
def test_any_fault_in_a_plan_with_all_actions(fault, harness, assert_invariants):
    """The same faults in one large plan."""
    requests = len(run_without_faults(harness, EVERYTHING).requests)
    assert_invariants(
        [FaultCase(scenario=EVERYTHING, faults=(each,)) for each in at_each_request(requests, (fault,))]
    )


def test_permanent_503_ends_the_run(harness, assert_invariants):
    """From each request on; the next run continues."""
    requests = len(run_without_faults(harness, EVERYTHING).requests)
    storm = {"kind": "status_before", "status": 503, "times": 0}
    assert_invariants(
        [
            FaultCase(scenario=EVERYTHING, faults=({**storm, "at": number},))
            for number in range(1, requests + 1)
        ]
    )


@pytest.mark.parametrize(
    ("asked", "least"), [("2", 2.0), ("0", 0.0), ("", 0.0), ("garbage", 0.0), ("-5", 0.0), ("240", 240.0)]
)
def test_retry_after_is_respected(asked, least, harness):
    """Seconds, zero, missing, invalid, negative, minutes: never earlier than requested."""
    prepared = harness.prepare(VERIFY)
    harness.start(prepared, {"kind": "rate_limit", "retry_after": asked, "among": "writes", "at": 1})
    harness.clock.sleeps.clear()
    result = harness.apply(prepared.after, VERIFY.approvals, CrashPoints())
    assert [each.outcome_status.value for each in result.report.outcomes] == ["done"]
    assert sum(harness.clock.sleeps) >= least


def test_retry_after_above_five_minutes_fails(harness):
    """A later run repeats the change."""
    prepared = harness.prepare(VERIFY)
    harness.start(prepared, {"kind": "rate_limit", "retry_after": "86400", "among": "writes", "at": 1})
    harness.clock.sleeps.clear()
    result = harness.apply(prepared.after, VERIFY.approvals, CrashPoints())
    assert [each.outcome_status.value for each in result.report.outcomes] == ["failed"]
    assert sum(harness.clock.sleeps) < 301
