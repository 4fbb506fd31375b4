"""The rig for all tests of the campaign, and the figures at its end."""

import os
from collections.abc import Callable, Iterator

import pytest

from canary import Canaries
from faults.campaign import Case, run
from faults.rig import Rig
from faults.trees import opened_once
from keys import AgeKey

WHOLE = os.environ.get("FAULTS") == "whole"
"""Whether every case is walked through; otherwise an even choice of them, the same each time."""

SOME = 6
"""How many cases of a test make that choice."""

Walk = Callable[[list[Case]], None]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, age_key: AgeKey) -> Iterator[Rig]:
    """Return the rig of a whole session; its secrets are minted by their names."""
    base = tmp_path_factory.mktemp("campaign")
    with opened_once(base) as once:
        rig = Rig(base, age_key, once)
        yield rig
        rig.service.stop()


@pytest.fixture
def rig(shared: Rig, canary: Canaries) -> Rig:
    """Return the rig, with all of its secrets watched for in this test."""
    for value in shared.minted.values():
        canary.add(value)
    shared.watch = canary.add
    return shared


@pytest.fixture
def walk(rig: Rig, record_property: Callable[[str, object], None]) -> Walk:
    """Return what walks through cases and fails with those in which anything was broken."""

    def walk(cases: list[Case]) -> None:
        chosen = cases if WHOLE else cases[:: max(1, len(cases) // SOME)]
        bad = [(str(case), broken) for case in chosen if (broken := run(rig, case))]
        record_property("cases", len(chosen))
        record_property("violations", len(bad))
        assert bad == []

    return walk


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the campaign came to."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    told = [pair for report in reports if report.when == "call" for pair in report.user_properties]
    sums = {name: sum(count for key, count in told if key == name) for name in ("cases", "violations")}
    engines = [caught for key, caught in told if key == "caught"]
    if sums["cases"]:
        seconds = sum(report.duration for report in reports)
        terminalreporter.write_line(
            f"\nfault campaign: {sums['cases']} cases, {sums['violations']} violations, "
            f"{sum(engines)} of {len(engines)} known-bad engines caught, {seconds:.0f} s of work"
        )
