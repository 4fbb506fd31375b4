"""Incomplete lists: a lost page, a looping cursor, repeated rows, a wrong total."""

import re

import pytest

from faults.fault_cases import FaultCase, run_without_faults
from faults.scenarios import EVERYTHING, SCENARIOS, TEN

pytestmark = pytest.mark.faults
PAGES = {"page_limit": 3, "connection_page_size": 3}
FAULTS = {
    "lost page": {"paging_trouble": "lost"},
    "looping cursor": {"paging_trouble": "loop"},
    "repeated rows": {"paging_trouble": "repeat"},
    "expired cursor": {"paging_trouble": "expired"},
    "total too large": {"total_excess": 1},
    "pages that start again": {"paging_trouble": "endless"},
    "empty pages without an end": {"paging_trouble": "empty"},
}


@pytest.mark.parametrize("scenario", [*SCENARIOS.values(), TEN, EVERYTHING], ids=lambda each: each.name)
@pytest.mark.parametrize("fault", FAULTS)
def test_an_incomplete_list_is_not_used(fault, scenario, harness, assert_invariants):
    """From each request on, in the first run only."""
    requests = len(run_without_faults(harness, scenario, **PAGES).requests)
    assert_invariants(
        [
            FaultCase(scenario=scenario, settings=PAGES, later_settings=FAULTS[fault], later_from=number)
            for number in range(1, requests + 1)
        ]
    )


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "repeated rows"])
def test_an_incomplete_list_stops_the_plan(fault, harness):
    """The run ends before any write."""
    prepared = harness.prepare(EVERYTHING)
    harness.start(prepared, **PAGES, **FAULTS[fault])
    result = harness.apply(prepared.after, EVERYTHING.approvals)
    assert result.write_count == 0
    assert len(result.requests) < 500
    assert re.search(r"GET /api/\w+ returned an incomplete list", describe_error(result.error))


def describe_error(error):
    """Return the message of a diagnostic or of an error of the client."""
    return " ".join(each.message for each in getattr(error, "diagnostics", ())) or str(error)


def test_repeated_rows_count_once(harness):
    """Pages overlap; the run succeeds."""
    prepared = harness.prepare(EVERYTHING)
    harness.start(prepared, **PAGES, **FAULTS["repeated rows"])
    result = harness.apply(prepared.after, EVERYTHING.approvals)
    assert {each.outcome_status.value for each in result.report.outcomes} == {"done"}
