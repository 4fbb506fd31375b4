"""The test of the tests: engines with one mistake each, and the campaign catches every one of them."""

import pytest

from faults.campaign import run
from faults.engines import ADOPTS_ANYTHING, ENGINES, NO_LOCK, noted
from faults.memory import Doors
from faults.scenes import CREATE
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.apply.session import ApplyOptions, apply_plan
from keyturn.operations.plan.plan import PlanOptions
from keyturn.planning.inputs import Approvals

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_a_mistake_is_caught(engine, rig, record_property):
    """At least one case breaks an invariant with the mistake; without it, none of the same cases does."""
    cases = engine.cases(rig)
    with pytest.MonkeyPatch.context() as patch:
        engine.make(patch)
        caught = any(run(rig, case) for case in cases)
    record_property("caught", caught)
    assert caught
    assert [(str(case), broken) for case in cases if (broken := run(rig, case))] == []


class Intruder(Doors):
    """Lets something happen at the first write, as if another process did it."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def __call__(self, name):
        """Pass a door; before the first POST, let it happen."""
        super().__call__(name)
        if name == "POST /api/credentials" and self.act:
            act, self.act = self.act, None
            act()


def race(rig):
    """Let a second apply begin within the first; return how it ended, and how often each name stands."""
    stage = rig.stage_of(CREATE)
    rig.begin(stage, unique_names=False)
    rig.on_request = lambda _: None
    ends = []

    def second():
        try:
            apply_plan(
                rig.run(stage.after),
                PlanOptions(approvals=Approvals()),
                ApplyOptions(parallelism=1),
                lambda _: True,
            )
        except DiagnosticError as held:
            ends.extend(each.code for each in held.diagnostics)

    rig.apply(stage.after, CREATE.consents, Intruder(second))
    names = [each.name for each in rig.service.deployment.store.list_records() if each.is_active]
    return ends, len(names) - len(set(names))


def test_two_at_once_and_one_without_a_lock(rig, record_property):
    """The second apply is told who holds the lock; an engine without one makes everything twice."""
    assert race(rig) == (["KT610"], 0)
    with pytest.MonkeyPatch.context() as patch:
        NO_LOCK(patch)
        ends, twins = race(rig)
    record_property("caught", twins > 0)
    assert (ends, twins > 0) == ([], True)


def stranger(rig):
    """Lose an answer while a list shows an older object of that name; return what became of it."""
    stage = rig.stage_of(CREATE)
    rig.begin(
        stage, {"kind": "drop_after", "among": "writes", "at": 1}, unique_names=False, list_lag_seconds=4.0
    )
    config = {"host": "person.example.com", "port": 5432, "engine": "postgresql", "username": "person"}
    (theirs,) = rig.service.seed_objects(
        credentials=[{"name": "c-new", "type": "database", "config": config}]
    )["credentials"]
    rig.hour.pass_by(3.0)
    rig.on_request = lambda _: None
    rig.apply(stage.after, CREATE.consents)
    return rig.service.deployment.store.find_by_id(theirs).plain_config()["host"]


def test_what_a_stranger_made_is_not_ours(rig, record_property):
    """What is older than our intent is left alone; an engine that looks at names overwrites it."""
    assert stranger(rig) == "person.example.com"
    with pytest.MonkeyPatch.context() as patch:
        ADOPTS_ANYTHING(patch)
        fate = stranger(rig)
    record_property("caught", fate != "person.example.com")
    assert fate != "person.example.com"


def test_a_setting_of_somebody_else_stays(rig, walk):
    """What people add to an object of ours between two of our reads is still there at the end."""
    walk(noted(rig))
