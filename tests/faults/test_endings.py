"""How a run ends: told to stop, with one thing that fails, without its state, on a service with habits."""

import json
import tracemalloc

import pytest
from msgspec.structs import replace

from faults.campaign import Case, finish, smooth
from faults.conftest import WHOLE
from faults.memory import Doors
from faults.rig import HOST
from faults.scenes import CROWDS, EVERYTHING, MOVES, REFUSALS, SCENES, TEN, VERIFY
from faults.straight import writes
from keyturn.model.address import Address
from keyturn.model.secret import Secret
from keyturn.planning.inputs import Approvals
from keyturn.state.lock import read_held_lock
from offices import office

__all__ = ["office"]

pytestmark = pytest.mark.faults
ALL = (*SCENES.values(), *REFUSALS.values(), *MOVES.values(), EVERYTHING)
HABITS = (
    {"normalise": ("trim", "lower", "defaults", "order", "numbers")},
    {"stringify": True},
    {"null_deletes": True, "extra_fields": True},
    {"reply_secrets": "mask"},
    {"reply_secrets": "leak"},
    {"precision": "microseconds"},
    {"list_deleted": True, "deleted_get": 404},
)
EVERY = 1 if WHOLE else 5


@pytest.mark.parametrize("scene", ALL, ids=lambda scene: scene.name)
def test_a_service_with_habits_of_its_own(scene, walk):
    """Values normalised, turned into text, masked or leaked; more fields, finer times, the trash in lists."""
    walk([Case(scene=scene, settings=habit) for habit in HABITS])


def endings(act):
    """Return how the changes of a run ended, by address."""
    return {str(each.address): each.outcome_status.value for each in act.report.outcomes}


@pytest.mark.parametrize("scene", ALL, ids=lambda scene: scene.name)
def test_whoever_is_told_to_stop_begins_nothing_new(scene, rig, record_property):
    """At each request: what was announced is finished, nothing else is begun, and the lock is free."""
    stage, count = rig.stage_of(scene), len(smooth(rig, scene).requests)
    numbers = range(1, count + 1, EVERY)
    for number in numbers:
        rig.begin(stage)
        heard, told = [], []

        def stopping(call, number=number, heard=heard, told=told):
            heard.append(call)
            if len(heard) == number:
                told.append(len(intents(rig)))

        rig.on_request = stopping
        act = rig.apply(stage.after, scene.consents, is_stopped=lambda told=told: bool(told))
        rig.on_request = lambda _: None
        assert len(intents(rig)) == told[0]
        assert read_held_lock(rig.memory) is None
        assert finish(rig, stage, [act]) == []
    record_property("cases", len(numbers))
    record_property("violations", 0)


def intents(rig):
    """Return the intents in the journal, each once."""
    lines = map(json.loads, bytes(rig.memory.journal).splitlines())
    return {each["id"] for each in lines if each["event"] == "intent"}


@pytest.mark.parametrize("status", [403, 422])
def test_one_failure_stops_only_what_waits_for_it(status, rig, record_property):
    """Each write of a plan with all actions is refused in turn: what does not wait for it goes through."""
    stage, smoothly = rig.stage_of(EVERYTHING), smooth(rig, EVERYTHING)
    numbers = [n for n, each in enumerate(smoothly.requests, 1) if writes(each["method"], each["path"])]
    after = {
        str(each.address): {str(one) for one in each.depends_on} for each in smoothly.report.plan.changes
    }
    for number in numbers[::EVERY]:
        rig.begin(stage, {"kind": "status_before", "status": status, "at": number})
        act = rig.apply(stage.after, EVERYTHING.consents)
        ended = endings(act)
        failed = {
            each for each, ending in ended.items() if each in after and ending not in {"done", "blocked"}
        }
        blocked = {address for address, ending in ended.items() if ending == "blocked"}
        # What is left to tidy up is left to the next run, and fails no change.
        assert len(failed) <= 1, (number, ended)
        assert all(after[each] & (failed | blocked) for each in blocked)
        assert not act.report.unauthorized
        rig.service.set_faults([])
        assert finish(rig, stage, [act]) == []
    record_property("cases", len(numbers[::EVERY]))
    record_property("violations", 0)


def test_a_429_that_names_a_date_is_waited_for(rig):
    """Retry-After as an HTTP date, half a minute from now by the service's own clock."""
    stage = rig.stage_of(VERIFY)
    rig.begin(stage, retry_after="date", rate_limit=8, rate_window_seconds=30.0, rate_headers=False)
    rig.hour.naps.clear()
    act = rig.apply(stage.after, VERIFY.consents, Doors())
    assert set(endings(act).values()) == {"done"}
    assert any(each["status"] == 429 for each in act.requests)
    refused = [each["at"] for each in act.requests if each["status"] == 429]
    later = [each["at"] for each in act.requests if each["at"] > refused[0]]
    assert later[0] - refused[0] >= 20 * 1_000_000


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
@pytest.mark.parametrize("bad", ["", "-2", "-3"], ids=["first", "second", "third"])
def test_one_of_many_that_refuses_holds_the_rotation_back(strategy, bad, rig):
    """A test fails for one of three dependents: what runs has the old secret in the end, all of it."""
    scene, stem = CROWDS[strategy], f"crowd-{strategy}".replace("_", "-")
    stage = rig.stage_of(scene)
    rig.begin(stage)
    old, new = (rig.mint(f"crowd {strategy} {age}") for age in ("old", "new"))
    match = {"host": HOST["host"]}
    rig.service.set_targets(
        [
            {"type": "postgres", "match": {**match, "database": stem + bad}, "accepts": {"password": [old]}},
            {"type": "postgres", "match": match, "accepts": {"password": [old, new]}},
        ]
    )
    before = {
        each.name: rig.service.deployment.decrypt_secrets(each)
        for each in rig.service.deployment.store.list_records()
    }
    act = rig.apply(stage.after, scene.consents)
    assert set(endings(act).values()) == {"failed"}
    records = rig.service.deployment.store.list_records()
    assert {
        each.name: rig.service.deployment.decrypt_secrets(each) for each in records if each.is_active
    } == before
    ids = {each.id: each.name for each in records}
    users = [each for each in records if each.name.startswith("n-")]
    assert [ids[each.credential_id] for each in users] == [f"c-{stem}"] * 3
    rig.service.deployment.targets.replace_targets(())
    assert finish(rig, stage, [act]) == []


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
def test_a_secret_that_is_changed_in_the_ui_meanwhile_is_never_passed_over(strategy, rig, record_property):
    """At each request: git's secret is there in the end, or the plan says that it may not be."""
    scene = SCENES[f"rotate {strategy}"]
    stage, count = rig.stage_of(scene), len(smooth(rig, scene).requests)
    name = next(each.address.name for each in stage.after.desired if each.secrets)
    edit = {"collection": "credentials", "name": name, "change": {"config": {"password": "set in the UI"}}}
    for number in range(1, count + 1):
        rig.begin(stage, {"kind": "edit_before", "at": number, "edit": edit})
        act = rig.apply(stage.after, scene.consents)
        rig.service.set_faults([])
        broken = finish(rig, stage, [act])
        said = any(each.code == "KT464" for each in rig.plan(stage.after).plan.diagnostics)
        assert said or not any("holds another secret" in line for line in broken)
        assert [line for line in broken if not line.startswith("I3")] == []
    record_property("cases", count)
    record_property("violations", 0)


@pytest.mark.parametrize("scene", [SCENES["update"], VERIFY, SCENES["retire"]], ids=lambda scene: scene.name)
def test_without_its_state_a_run_guesses_nothing(scene, rig):
    """Document and journal are gone: nothing is written without consent; with it, git is reached."""
    stage = rig.stage_of(scene)
    rig.begin(stage)
    rig.memory.put_back(({}, b""))
    act = rig.apply(stage.after, Approvals())
    assert act.writes == 0
    if stage.after.desired:
        assert [each.code for each in act.error.diagnostics if each.code != "KT457"] == []
    everyone = Approvals(adopt=frozenset(each.address.name for each in stage.after.desired))
    done = rig.apply(stage.after, everyone)
    assert set(endings(done).values()) <= {"done"}
    assert rig.plan(stage.after).plan.is_empty
    held = {
        each.name: rig.service.deployment.decrypt_secrets(each)
        for each in rig.service.deployment.store.list_records()
    }
    for each in stage.after.desired:
        assert held[each.address.name] == {path[0]: value.reveal() for path, value in each.secrets.items()}


def test_a_damaged_state_stops_a_run_before_it_begins(rig):
    """Every byte of the document is damaged in turn, some of them: refused, or without any effect."""
    stage = rig.stage_of(VERIFY)
    rig.begin(stage)
    objects, journal = stage.state
    whole = objects["state.json"]
    for place in range(0, len(whole.data), 97 if WHOLE else 499):
        rig.begin(stage)
        damaged = bytes((*whole.data[:place], whole.data[place] ^ 0x15, *whole.data[place + 1 :]))
        rig.memory.put_back(({**objects, "state.json": replace(whole, data=damaged)}, journal))
        act = rig.apply(stage.after, VERIFY.consents)
        assert act.error is not None, place
        assert act.writes == 0


@pytest.mark.parametrize("scene", [SCENES["update"], VERIFY, SCENES["rename"]], ids=lambda scene: scene.name)
def test_a_state_that_was_rolled_back_makes_nothing_twice(scene, rig):
    """Document and journal are as before the apply that went through: the next run finds it done."""
    stage = rig.stage_of(scene)
    rig.begin(stage, unique_names=False)
    act = rig.apply(stage.after, scene.consents)
    rig.memory.put_back(stage.state)
    assert finish(rig, stage, [act, rig.apply(stage.after, scene.consents)]) == []


def many(rig, like, count):
    """Return a tree of so many resources, half of them credentials, that was never on disk."""
    pairs = {each.address.kind: each for each in like.desired[-2:] + like.desired[:2]}
    found = []
    for number in range(count // 2):
        uses, own = Address("credential", f"c-many-{number}"), Address("connection", f"n-many-{number}")
        secret = Secret(rig.mint("many"))
        credential = replace(
            pairs["credential"], address=uses, secrets={("password",): secret}, digest=f"c{number}"
        )
        fields = {**pairs["connection"].fields, ("credential",): uses}
        found += [credential, replace(pairs["connection"], address=own, fields=fields, digest=f"n{number}")]
    return rig.once.invent(like, 1_000_000 + count, tuple(found))


def test_ten_times_as_many_resources_cost_ten_times_as_much(rig):
    """A plan asks for pages and not for objects, and needs memory for each resource alike."""
    stage = rig.stage_of(TEN)
    requests, peaks = [], []
    for count in (100, 1000) if not WHOLE else (1000, 10_000):
        rig.begin(stage)
        tree = many(rig, stage.after, count)
        assert set(endings(rig.apply(tree, Approvals())).values()) == {"done"}
        before = len(rig.service.list_requests())
        tracemalloc.start()
        assert rig.plan(tree).plan.is_empty
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        requests.append(len(rig.service.list_requests()) - before)
    pages = 2 * (9 * count // 10 // 2 // 500 + 1)  # of 500, and both lists are asked
    assert requests[1] - requests[0] <= pages
    assert peaks[1] < 11 * peaks[0]


def test_nothing_is_written_after_a_refusal_by_policy(rig):
    """A plan that a guard blocks ends with its findings, and without a single write."""
    stage = rig.stage_of(EVERYTHING)
    rig.begin(stage)
    act = rig.apply(stage.after, Approvals())
    assert [each.code for each in act.error.diagnostics]
    assert act.writes == 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_key_that_is_revoked_midway_ends_with_six(office, canary, number):
    """The command line's own word for it, whichever write it is; and a key that may write goes on."""
    for name in ("one", "two"):
        office.repo.credential(f"c-{name}", {"password": canary()})
    office.repo.connection("n-one", "c-one")
    office.service.add_fault("status_before", status=401, among="writes", at=number, times=0)
    refused = office.here("apply", "--yes", "--no-test", "--parallelism", "1")
    assert refused.code == 6
    assert office.writes() == number
    office.service.set_faults([])
    assert office.here("apply", "--yes", "--no-test").code == 0
    assert sorted([*office.live(), *office.live("connections")]) == ["c-one", "c-two", "n-one"]
