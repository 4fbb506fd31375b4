"""The same faults on real sockets."""

import pytest

from faults.fault_cases import converge, run_without_faults
from faults.in_process import is_write
from faults.scenarios import SCENARIOS, VERIFY

pytestmark = pytest.mark.faults
BROKEN = ("drop_after", "drop_before", "truncate_after", "invalid_after", "empty_after", "close_after")


@pytest.mark.parametrize(
    "scenario", [SCENARIOS["create"], VERIFY, SCENARIOS["replace"]], ids=lambda each: each.name
)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_connection(scenario, kind, harness, record_property):
    """Resets, truncated bodies and closed keep-alive connections, at every write."""
    requests = run_without_faults(harness, scenario).requests
    numbers = [n for n, each in enumerate(requests, 1) if is_write(each["method"], each["path"])]
    prepared = harness.prepare(scenario)
    harness.sockets, bad = True, []
    for number in numbers:
        harness.start(prepared, {"kind": kind, "at": number}, unique_names=False)
        results = [harness.apply(prepared.after, scenario.approvals)]
        harness.service.set_faults([])
        bad += [(number, each) for each in converge(harness, prepared, results)]
    harness.sockets = False
    record_property("cases", len(numbers))
    record_property("violations", len(bad))
    assert bad == []
