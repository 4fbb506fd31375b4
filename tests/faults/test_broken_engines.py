"""Every broken engine is detected."""

import pytest
from msgspec.structs import replace

from faults.broken_engines import ADOPTS_ANYTHING, BROKEN_ENGINES, NO_LOCK, WITHOUT_EVIDENCE, note_cases
from faults.fault_cases import check_case, run_without_faults
from faults.memory_store import CrashPoints
from faults.scenarios import CONFIG, CREATE, HOST
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.apply.session import ApplyOptions, apply_plan
from keyturn.operations.plan.plan import PlanOptions
from keyturn.planning.inputs import Approvals
from keyturn.state.events import Intent
from keyturn.state.journal import Journal

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("broken_engine", BROKEN_ENGINES, ids=lambda each: each.name)
def test_a_broken_engine_is_detected(broken_engine, harness, record_property):
    """At least one case breaks an invariant; without the mistake none does."""
    cases = broken_engine.cases(harness)
    for case in cases:
        harness.prepare(case.scenario)
    with pytest.MonkeyPatch.context() as patch:
        broken_engine.install(patch)
        caught = any(check_case(harness, case) for case in cases)
    record_property("caught", caught)
    assert caught
    assert [(str(case), broken) for case in cases if (broken := check_case(harness, case))] == []


class InterruptingCrashPoints(CrashPoints):
    """Calls a function at the first write, as another process would."""

    def __init__(self, result):
        super().__init__()
        self.result = result

    def __call__(self, name):
        """Pass a crash point; call the function before the first POST."""
        super().__call__(name)
        if name == "POST /api/credentials" and self.result:
            result, self.result = self.result, None
            result()


def race(harness):
    """Start a second apply within the first; return its error codes and the number of duplicate names."""
    prepared = harness.prepare(CREATE)
    harness.start(prepared, unique_names=False)
    harness.on_request = lambda _: None
    ends = []

    def second():
        try:
            apply_plan(
                harness.run(prepared.after),
                PlanOptions(approvals=Approvals()),
                ApplyOptions(parallelism=1),
                lambda _: True,
            )
        except DiagnosticError as held:
            ends.extend(each.code for each in held.diagnostics)

    harness.apply(prepared.after, CREATE.approvals, InterruptingCrashPoints(second))
    names = [each.name for each in harness.service.deployment.store.list_records() if each.is_active]
    return ends, len(names) - len(set(names))


def test_concurrent_applies(harness, record_property):
    """The second apply fails with KT610; an engine without a lock creates duplicates."""
    assert race(harness) == (["KT610"], 0)
    with pytest.MonkeyPatch.context() as patch:
        NO_LOCK(patch)
        ends, duplicates = race(harness)
    record_property("caught", duplicates > 0)
    assert (ends, duplicates > 0) == ([], True)


def lose_response_with_existing_name(harness):
    """Lose a response while a list shows an older object of that name; return the host of that object."""
    prepared = harness.prepare(CREATE)
    harness.start(
        prepared, {"kind": "drop_after", "among": "writes", "at": 1}, unique_names=False, list_lag_seconds=4.0
    )
    config = {"host": "person.example.com", "port": 5432, "engine": "postgresql", "username": "person"}
    (theirs,) = harness.service.seed_objects(
        credentials=[{"name": "c-new", "type": "database", "config": config}]
    )["credentials"]
    harness.clock.advance(3.0)
    harness.on_request = lambda _: None
    harness.apply(prepared.after, CREATE.approvals)
    return harness.service.deployment.store.find_by_id(theirs).plain_config()["host"]


def test_an_older_object_is_not_adopted(harness, record_property):
    """An engine that compares only names overwrites it."""
    assert lose_response_with_existing_name(harness) == "person.example.com"
    with pytest.MonkeyPatch.context() as patch:
        ADOPTS_ANYTHING(patch)
        fate = lose_response_with_existing_name(harness)
    record_property("caught", fate != "person.example.com")
    assert fate != "person.example.com"


def append_without_evidence(journal, event, append=Journal.append):
    """Append an intent in the form of an earlier version."""
    return append(journal, replace(event, type="", fields={}) if isinstance(event, Intent) else event)


def kill_before_foreign_create(harness, *, is_old):
    """Kill a run before its POST; somebody creates the object; return the error codes and its host.

    With ``is_old``, an earlier version wrote the open intent.
    """
    prepared = harness.prepare(CREATE)
    points = run_without_faults(harness, CREATE).crash_points
    harness.start(prepared, unique_names=False)
    harness.on_request = lambda _: None
    kill = CrashPoints(points.index("POST /api/credentials") + 1)
    with pytest.MonkeyPatch.context() as patch:
        if is_old:
            patch.setattr(Journal, "append", append_without_evidence)
        harness.apply(prepared.after, CREATE.approvals, kill)
    harness.clock.advance(60.0)
    config = {**CONFIG, "username": "new", "host": HOST["host"] if is_old else "person.example.com"}
    (theirs,) = harness.service.seed_objects(
        credentials=[{"name": "c-new", "type": "database", "config": config}]
    )["credentials"]
    before = harness.service.deployment.store.find_by_id(theirs)
    result = harness.apply(prepared.after, CREATE.approvals)
    codes = [each.code for each in result.error.diagnostics] if result.error else []
    return codes, harness.service.deployment.store.find_by_id(theirs) == before


@pytest.mark.parametrize("is_old", [False, True], ids=["another host", "an old intent"])
def test_an_object_is_not_adopted_without_evidence(harness, is_old):
    """An object of the name that is not provably created by the killed run asks for a consent."""
    codes, kept = kill_before_foreign_create(harness, is_old=is_old)
    assert ("KT457" in codes, set(codes) <= {"KT451", "KT457"}, kept) == (True, True, True)


@pytest.mark.parametrize("name", WITHOUT_EVIDENCE)
def test_an_engine_without_evidence_is_detected(harness, name, record_property):
    """It overwrites the object of somebody else."""
    with pytest.MonkeyPatch.context() as patch:
        WITHOUT_EVIDENCE[name](patch)
        codes, kept = kill_before_foreign_create(harness, is_old=False)
    record_property("caught", not kept)
    assert (codes, kept) == ([], False)


def test_an_unmanaged_field_stays(harness, assert_invariants):
    """It is added between two reads of the object."""
    assert_invariants(note_cases(harness))
