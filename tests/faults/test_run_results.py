"""How runs end: after a stop, a failed change, a lost state, or with unusual settings of the service."""

import json
import tracemalloc

import pytest
from msgspec.structs import replace

from faults.conftest import ALL_CASES
from faults.fault_cases import FaultCase, converge, run_without_faults
from faults.harness import HOST
from faults.in_process import is_write
from faults.memory_store import CrashPoints
from faults.scenarios import CROWDS, EVERYTHING, MOVES, REFUSALS, SCENARIOS, TEN, VERIFY
from keyturn.model.address import Address
from keyturn.model.secret import Secret
from keyturn.planning.inputs import Approvals
from keyturn.state.lock import read_held_lock
from workspace_setup import setup

__all__ = ["setup"]

pytestmark = pytest.mark.faults
ALL = (*SCENARIOS.values(), *REFUSALS.values(), *MOVES.values(), EVERYTHING)
UNUSUAL_SETTINGS = (
    {"normalise": ("trim", "lower", "defaults", "order", "numbers")},
    {"stringify": True},
    {"null_deletes": True, "extra_fields": True},
    {"reply_secrets": "mask"},
    {"reply_secrets": "leak"},
    {"precision": "microseconds"},
    {"list_deleted": True, "deleted_get": 404},
)
EVERY = 1 if ALL_CASES else 5


@pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
def test_unusual_services(scenario, assert_invariants):
    """Values normalized, as text, masked or leaked; extra fields, finer times, deleted objects in lists."""
    assert_invariants([FaultCase(scenario=scenario, settings=settings) for settings in UNUSUAL_SETTINGS])


def statuses(result):
    """Return the outcome status of each change by address."""
    return {str(each.address): each.outcome_status.value for each in result.report.outcomes}


@pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
def test_a_stopped_run_starts_no_change(scenario, harness, record_property):
    """At each request: open intent_ids are finished, no further one is written, the lock is released."""
    prepared, count = harness.prepare(scenario), len(run_without_faults(harness, scenario).requests)
    numbers = range(1, count + 1, EVERY)
    for number in numbers:
        harness.start(prepared)
        requests, stopped = [], []

        def stopping(call, number=number, requests=requests, stopped=stopped):
            requests.append(call)
            if len(requests) == number:
                stopped.append(len(intent_ids(harness)))

        harness.on_request = stopping
        result = harness.apply(
            prepared.after, scenario.approvals, is_stopped=lambda stopped=stopped: bool(stopped)
        )
        harness.on_request = lambda _: None
        assert len(intent_ids(harness)) == stopped[0]
        assert read_held_lock(harness.memory) is None
        assert converge(harness, prepared, [result]) == []
    record_property("cases", len(numbers))
    record_property("violations", 0)


def intent_ids(harness):
    """Return the IDs of the intent_ids in the journal."""
    lines = map(json.loads, bytes(harness.memory.journal).splitlines())
    return {each["id"] for each in lines if each["event"] == "intent"}


@pytest.mark.parametrize("status", [403, 422])
def test_a_failure_blocks_only_its_dependents(status, harness, record_property):
    """Each write of a plan with all actions is rejected in turn."""
    prepared, smoothly = harness.prepare(EVERYTHING), run_without_faults(harness, EVERYTHING)
    numbers = [n for n, each in enumerate(smoothly.requests, 1) if is_write(each["method"], each["path"])]
    after = {
        str(each.address): {str(one) for one in each.depends_on} for each in smoothly.report.plan.changes
    }
    for number in numbers[::EVERY]:
        harness.start(prepared, {"kind": "status_before", "status": status, "at": number})
        result = harness.apply(prepared.after, EVERYTHING.approvals)
        ended = statuses(result)
        failed = {
            each for each, ending in ended.items() if each in after and ending not in {"done", "blocked"}
        }
        blocked = {address for address, ending in ended.items() if ending == "blocked"}
        # What is left to tidy up is left to the next run, and fails no change.
        assert len(failed) <= 1, (number, ended)
        assert all(after[each] & (failed | blocked) for each in blocked)
        assert not result.report.unauthorized
        harness.service.set_faults([])
        assert converge(harness, prepared, [result]) == []
    record_property("cases", len(numbers[::EVERY]))
    record_property("violations", 0)


def test_retry_after_with_a_date(harness):
    """An HTTP date half a minute ahead by the clock of the service."""
    prepared = harness.prepare(VERIFY)
    harness.start(prepared, retry_after="date", rate_limit=8, rate_window_seconds=30.0, rate_headers=False)
    harness.clock.sleeps.clear()
    result = harness.apply(prepared.after, VERIFY.approvals, CrashPoints())
    assert set(statuses(result).values()) == {"done"}
    assert any(each["status"] == 429 for each in result.requests)
    refused = [each["at"] for each in result.requests if each["status"] == 429]
    later = [each["at"] for each in result.requests if each["at"] > refused[0]]
    assert later[0] - refused[0] >= 20 * 1_000_000


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
@pytest.mark.parametrize("bad", ["", "-2", "-3"], ids=["first", "second", "third"])
def test_one_rejecting_dependent_stops_the_rotation(strategy, bad, harness):
    """One of three connections fails its test: all keep the old secret."""
    scenario, stem = CROWDS[strategy], f"crowd-{strategy}".replace("_", "-")
    prepared = harness.prepare(scenario)
    harness.start(prepared)
    old, new = (harness.mint(f"crowd {strategy} {age}") for age in ("old", "new"))
    match = {"host": HOST["host"]}
    harness.service.set_targets(
        [
            {"type": "postgres", "match": {**match, "database": stem + bad}, "accepts": {"password": [old]}},
            {"type": "postgres", "match": match, "accepts": {"password": [old, new]}},
        ]
    )
    before = {
        each.name: harness.service.deployment.decrypt_secrets(each)
        for each in harness.service.deployment.store.list_records()
    }
    result = harness.apply(prepared.after, scenario.approvals)
    assert set(statuses(result).values()) == {"failed"}
    records = harness.service.deployment.store.list_records()
    assert {
        each.name: harness.service.deployment.decrypt_secrets(each) for each in records if each.is_active
    } == before
    ids = {each.id: each.name for each in records}
    users = [each for each in records if each.name.startswith("n-")]
    assert [ids[each.credential_id] for each in users] == [f"c-{stem}"] * 3
    harness.service.deployment.targets.replace_targets(())
    assert converge(harness, prepared, [result]) == []


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
def test_a_secret_edited_in_the_ui_is_noticed(strategy, harness, record_property):
    """At each request: the service ends with the secret in git, or the plan reports KT464."""
    scenario = SCENARIOS[f"rotate {strategy}"]
    prepared, count = harness.prepare(scenario), len(run_without_faults(harness, scenario).requests)
    name = next(each.address.name for each in prepared.after.desired if each.secrets)
    edit = {"collection": "credentials", "name": name, "change": {"config": {"password": "set in the UI"}}}
    for number in range(1, count + 1):
        harness.start(prepared, {"kind": "edit_before", "at": number, "edit": edit})
        result = harness.apply(prepared.after, scenario.approvals)
        harness.service.set_faults([])
        broken = converge(harness, prepared, [result])
        said = any(each.code == "KT464" for each in harness.plan(prepared.after).plan.diagnostics)
        assert said or not any("holds another secret" in line for line in broken)
        assert [line for line in broken if not line.startswith("I3")] == []
    record_property("cases", count)
    record_property("violations", 0)


@pytest.mark.parametrize(
    "scenario", [SCENARIOS["update"], VERIFY, SCENARIOS["retire"]], ids=lambda each: each.name
)
def test_a_lost_state_needs_approval(scenario, harness):
    """Nothing is written without approval; with it, the manifests are reached."""
    prepared = harness.prepare(scenario)
    harness.start(prepared)
    harness.memory.restore_snapshot(({}, b""))
    result = harness.apply(prepared.after, Approvals())
    assert result.write_count == 0
    if prepared.after.desired:
        # Without the state, no destination of a secret is known.
        assert {each.code for each in result.error.diagnostics} <= {"KT457", "KT451"}
    names = frozenset(each.address.name for each in prepared.after.desired)
    everyone = Approvals(adopt=names, destinations=names)
    done = harness.apply(prepared.after, everyone)
    assert set(statuses(done).values()) <= {"done"}
    assert harness.plan(prepared.after).plan.is_empty
    held = {
        each.name: harness.service.deployment.decrypt_secrets(each)
        for each in harness.service.deployment.store.list_records()
    }
    for each in prepared.after.desired:
        assert held[each.address.name] == {path[0]: value.reveal() for path, value in each.secrets.items()}


def test_a_damaged_state_stops_the_run(harness):
    """Bytes of the document are changed in turn; each is detected."""
    prepared = harness.prepare(VERIFY)
    harness.start(prepared)
    objects, journal = prepared.state
    whole = objects["state.json"]
    for place in range(0, len(whole.data), 97 if ALL_CASES else 499):
        harness.start(prepared)
        damaged = bytes((*whole.data[:place], whole.data[place] ^ 0x15, *whole.data[place + 1 :]))
        harness.memory.restore_snapshot(({**objects, "state.json": replace(whole, data=damaged)}, journal))
        result = harness.apply(prepared.after, VERIFY.approvals)
        assert result.error is not None, place
        assert result.write_count == 0


@pytest.mark.parametrize(
    "scenario", [SCENARIOS["update"], VERIFY, SCENARIOS["rename"]], ids=lambda each: each.name
)
def test_a_rolled_back_state_creates_no_duplicate(scenario, harness):
    """State and journal are those from before the apply."""
    prepared = harness.prepare(scenario)
    harness.start(prepared, unique_names=False)
    result = harness.apply(prepared.after, scenario.approvals)
    harness.memory.restore_snapshot(prepared.state)
    assert converge(harness, prepared, [result, harness.apply(prepared.after, scenario.approvals)]) == []


def build_large_tree(harness, like, count):
    """Return a tree of ``count`` resources, half of them credentials."""
    pairs = {each.address.kind: each for each in like.desired[-2:] + like.desired[:2]}
    found = []
    for number in range(count // 2):
        uses, own = (
            Address("credential", f"c-many-{number}"),
            Address("connection", f"n-many-{number}"),
        )
        secret = Secret(harness.mint("many"))
        credential = replace(
            pairs["credential"], address=uses, secrets={("password",): secret}, digest=f"c{number}"
        )
        fields = {**pairs["connection"].fields, ("credential",): uses}
        found += [credential, replace(pairs["connection"], address=own, fields=fields, digest=f"n{number}")]
    return harness.manifest_cache.add_tree(like, 1_000_000 + count, tuple(found))


def test_costs_are_linear(harness):
    """A plan reads pages, not objects; memory is proportional to the number of resources."""
    prepared = harness.prepare(TEN)
    requests, peaks = [], []
    for count in (100, 1000) if not ALL_CASES else (1000, 10_000):
        harness.start(prepared)
        tree = build_large_tree(harness, prepared.after, count)
        assert set(statuses(harness.apply(tree, Approvals())).values()) == {"done"}
        before = len(harness.service.list_requests())
        tracemalloc.start()
        assert harness.plan(tree).plan.is_empty
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        requests.append(len(harness.service.list_requests()) - before)
    pages = 2 * (9 * count // 10 // 2 // 500 + 1)  # of 500, and both lists are asked
    assert requests[1] - requests[0] <= pages
    assert peaks[1] < 11 * peaks[0]


def test_a_blocked_plan_writes_nothing(harness):
    """The run ends with the diagnostics."""
    prepared = harness.prepare(EVERYTHING)
    harness.start(prepared)
    result = harness.apply(prepared.after, Approvals())
    assert [each.code for each in result.error.diagnostics]
    assert result.write_count == 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_key_revoked_during_the_run_exits_with_6(setup, canary, number):
    """At each write; the next run with a valid key succeeds."""
    for name in ("one", "two"):
        setup.repo.credential(f"c-{name}", {"password": canary()})
    setup.repo.connection("n-one", "c-one")
    setup.service.add_fault("status_before", status=401, among="writes", at=number, times=0)
    refused = setup.run("apply", "--yes", "--no-test", "--parallelism", "1")
    assert refused.code == 6
    assert setup.count_writes() == number
    setup.service.set_faults([])
    assert setup.run("apply", "--yes", "--no-test").code == 0
    assert sorted([*setup.live(), *setup.live("connections")]) == ["c-one", "c-two", "n-one"]
