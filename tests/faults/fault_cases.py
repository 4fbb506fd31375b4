"""One case of fault injection: faults in the first run, two runs without; then all invariants must hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from faults.harness import Harness, RunResult
from faults.invariants import RequestAuditor, check_invariants
from faults.manifest_trees import PreparedScenario
from faults.memory_store import CrashPoints
from faults.scenarios import Scenario
from keyturn.client.messages import Request
from keyturn.model.change import OutcomeStatus
from keyturn.state.reader import load_state
from planasonix_emulator.settings import EmulatorSettings, change_settings

Fault = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase:
    """A scenario with its faults.

    ``faults`` are injected by the emulator. The first run is killed at crash point ``crash_at``, the
    second at ``second_crash_at`` (0: none). ``settings`` are settings of the service.
    ``noted_object`` is an object that gets an unmanaged ``note``, which must stay. ``later_settings``
    apply in the first run only, from its request number ``later_from``.
    """

    scenario: Scenario
    faults: tuple[Fault, ...] = ()
    crash_at: int = 0
    second_crash_at: int = 0
    torn_append: bool = False
    noted_object: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    later_settings: dict[str, Any] = field(default_factory=dict)
    later_from: int = 1

    def __str__(self) -> str:
        """Return all that is needed to reproduce the case."""
        crashes = (
            f"crash_at={self.crash_at} second_crash_at={self.second_crash_at} torn_append={self.torn_append}"
        )
        later_settings = f"{self.later_settings} from {self.later_from}" if self.later_settings else ""
        return f"{self.scenario.name}: faults={self.faults} {crashes} {self.settings} {later_settings}"


def check_case(harness: Harness, case: FaultCase) -> list[str]:
    """Run a case and return the broken invariants."""
    prepared = harness.prepare(case.scenario)
    harness.start(prepared, *case.faults, **case.settings)
    request_auditor = RequestAuditor(harness)
    harness.on_request = (
        _change_settings_at(harness, case, request_auditor) if case.later_settings else request_auditor
    )
    harness.memory.torn_append = case.torn_append
    results = [harness.apply(prepared.after, case.scenario.approvals, CrashPoints(case.crash_at))]
    if case.later_settings:
        harness.on_request = request_auditor
        harness.service.change_settings(
            **{name: getattr(EmulatorSettings(), name) for name in case.later_settings}
        )
    harness.met = harness.service.app.faults.list_faults()
    harness.service.app.faults.replace_faults(())
    if case.second_crash_at:
        results.append(
            harness.apply(prepared.after, case.scenario.approvals, CrashPoints(case.second_crash_at))
        )
    harness.memory.torn_append = False
    if case.settings.get("list_lag_seconds"):
        harness.clock.advance(1.0)
        results.append(harness.apply(prepared.after, case.scenario.approvals))
        harness.service.change_settings(list_lag_seconds=0.0)
    broken = [*_unfinished(case, results[0])]
    broken += [*converge(harness, prepared, results), *request_auditor.broken, *_lost_note(harness, case)]
    return (
        []
        if case.faults and _has_secret_warning(results[0]) and all(line.startswith("I3") for line in broken)
        else broken
    )


def converge(harness: Harness, prepared: PreparedScenario, results: list[RunResult]) -> list[str]:
    """Run at most twice without faults and return the broken invariants."""
    approvals = prepared.scenario.approvals
    for pause in (1.0, 60.0):
        harness.clock.advance(pause)
        if (
            not results[-1].was_killed
            and results[-1].error is None
            and harness.plan(prepared.after).plan.is_empty
            and _has_no_open_intents(harness)
        ):
            break
        results.append(harness.apply(prepared.after, approvals))
    harness.clock.advance(60.0)
    if prepared.scenario.refused:
        return check_invariants(harness, prepared, results, prepared.before)
    last = harness.plan(prepared.after)
    broken = check_invariants(harness, prepared, results)
    if not last.plan.is_empty:
        broken.append(
            f"I6: still to do: {[f'{each.action.value} {each.address}' for each in last.plan.changes]}"
        )
    if last.plan.blocking_diagnostics:
        broken.append(f"I7: blocked by {[each.code for each in last.plan.blocking_diagnostics]}")
    return broken


def _change_settings_at(
    harness: Harness, case: FaultCase, request_auditor: RequestAuditor
) -> Callable[[Request], None]:
    numbers = count(1)

    def on_request(call: Request) -> None:
        if next(numbers) == case.later_from:
            harness.service.deployment.settings = change_settings(
                harness.service.deployment.settings, case.later_settings
            )
        request_auditor(call)

    return on_request


def _unfinished(case: FaultCase, result: RunResult) -> Iterator[str]:
    if case.faults or case.crash_at or case.later_settings or case.scenario.refused or result.report is None:
        return
    for each in result.report.outcomes:
        if each.outcome_status is not OutcomeStatus.DONE:
            yield f"I7: {each.address} is {each.outcome_status.value} without any fault: {each.message}"


def _lost_note(harness: Harness, case: FaultCase) -> Iterator[str]:
    met = any(each["met"] >= each["at"] for each in harness.met)
    for record in harness.service.deployment.store.list_records():
        if met and record.name == case.noted_object and record.plain_config().get("schema") != "kept":
            yield f"I4: the unmanaged field of {case.noted_object} is gone"


def _has_secret_warning(result: RunResult) -> bool:
    # A secret cannot be read back; a warning says that the service may not have stored it.
    return bool(result.report) and any(
        "no sign" in each for one in result.report.outcomes for each in one.warnings
    )


def _has_no_open_intents(harness: Harness) -> bool:
    return not load_state(harness.memory, "prod", harness.service.organization).state.open_intents


def run_without_faults(
    harness: Harness, scenario: Scenario, *faults: Fault, at: int = 0, **settings: Any
) -> RunResult:
    """Run a scenario to count its crash points and requests.

    ``faults`` make a run with faults. With ``at``, a first run is killed
    there, and the second run is returned.
    """
    prepared = harness.prepare(scenario)
    harness.start(prepared, *faults, **settings)
    harness.on_request = lambda _: None
    result = harness.apply(prepared.after, scenario.approvals, CrashPoints(at))
    return harness.apply(prepared.after, scenario.approvals) if at else result


def crash_numbers(result: RunResult, since: int = 1) -> list[int]:
    """Return the crash points from number ``since`` on that leave different results.

    Between two side effects nothing durable happens, so one of both crash points is enough.
    """
    return [n for n, name in enumerate(result.crash_points, 1) if n >= since and name.endswith(", done")]


LOST_RESPONSES: tuple[Fault, ...] = (
    {"kind": "drop_after"},
    {"kind": "status_after", "status": 500},
    {"kind": "status_after", "status": 503},
    {"kind": "status_after", "status": 408},
    {"kind": "hang_after"},
    {"kind": "truncate_after"},
    {"kind": "invalid_after"},
    {"kind": "empty_after"},
    {"kind": "other_object"},
)
"""The request is applied; the response is lost or wrong."""

UNAPPLIED: tuple[Fault, ...] = (
    {"kind": "drop_before"},
    {"kind": "hang"},
    {"kind": "status_before", "status": 500},
    {"kind": "status_before", "status": 503},
    {"kind": "rate_limit", "retry_after": "2"},
    {"kind": "rate_limit", "retry_after": "", "times": 9},
    {"kind": "status_before", "status": 500, "times": 3},
    {"kind": "status_before", "status": 401},
    {"kind": "status_before", "status": 403},
    {"kind": "status_before", "status": 404},
    {"kind": "status_before", "status": 409},
    {"kind": "ignore"},
)
"""The request is not applied; there may be an error response."""


UI_EDITS: tuple[Fault, ...] = tuple(
    {
        "kind": f"edit_{when}",
        "path": f"/api/{collection}/*_0*",
        "edit": {"change": {"config": {field: "edited"}}},
    }
    for when in ("before", "inside", "after")
    for collection, field in (("credentials", "username"), ("connections", "database"))
)
"""An edit in the UI of the object of a request, if it is managed."""

LAGS = (0.4, 2.0, 10.0)
"""Lags of lists, in seconds."""


PUT_SEMANTICS: tuple[dict[str, str], ...] = tuple(
    {"credential_put": one, "connection_put": other}
    for one in ("merge", "replace", "wipe", "whole")
    for other in ("replace", "merge", "whole")
)
"""Combinations of PUT semantics."""


def at_each_request(requests: int, faults: tuple[Fault, ...]) -> Iterator[Fault]:
    """Yield each fault at each request."""
    for number in range(1, requests + 1):
        for fault in faults:
            yield {**fault, "at": number}
