"""The harness for all fault tests, and the summary at the end."""

import os
from collections.abc import Callable, Iterator

import pytest

from age_keys import AgeKey
from canary import Canaries
from faults.fault_cases import FaultCase, check_case
from faults.harness import Harness
from faults.manifest_trees import cached_manifests

ALL_CASES = os.environ.get("FAULTS") == "whole"
"""Whether every case runs; otherwise an even, fixed sample of them."""

SAMPLE_SIZE = 6
"""Cases in the sample of a test."""

AssertInvariants = Callable[[list[FaultCase]], None]


@pytest.fixture(scope="session")
def shared_harness(tmp_path_factory: pytest.TempPathFactory, age_key: AgeKey) -> Iterator[Harness]:
    """Return the harness of the session; it creates secrets by label."""
    base = tmp_path_factory.mktemp("faults")
    with cached_manifests(base) as manifest_cache:
        harness = Harness(base, age_key, manifest_cache)
        yield harness
        harness.service.stop()


@pytest.fixture
def harness(shared_harness: Harness, canary: Canaries) -> Harness:
    """Return the harness; all its secrets are watched in this test."""
    for value in shared_harness.secrets_by_label.values():
        canary.add(value)
    shared_harness.watch = canary.add
    return shared_harness


@pytest.fixture
def assert_invariants(harness: Harness, record_property: Callable[[str, object], None]) -> AssertInvariants:
    """Return a function that runs cases and fails with those that break an invariant."""

    def assert_invariants(cases: list[FaultCase]) -> None:
        chosen = cases if ALL_CASES else cases[:: max(1, len(cases) // SAMPLE_SIZE)]
        bad = [(str(case), broken) for case in chosen if (broken := check_case(harness, case))]
        record_property("cases", len(chosen))
        record_property("violations", len(bad))
        assert bad == []

    return assert_invariants


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of cases and violations."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    properties = [pair for report in reports if report.when == "call" for pair in report.user_properties]
    sums = {name: sum(count for key, count in properties if key == name) for name in ("cases", "violations")}
    caught = [value for key, value in properties if key == "caught"]
    if sums["cases"]:
        seconds = sum(report.duration for report in reports)
        terminalreporter.write_line(
            f"\nfault tests: {sums['cases']} cases, {sums['violations']} violations, "
            f"{sum(caught)} of {len(caught)} broken engines detected, {seconds:.0f} s of work"
        )
