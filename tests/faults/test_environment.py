"""Slow services, clock differences, deleted objects with the same name, a full disk."""

import json
import shutil
import subprocess
import sys
import time

import pytest
from msgspec.structs import replace

from faults.fault_cases import converge, run_without_faults
from faults.in_process import is_write
from faults.memory_store import CrashPoints
from faults.scenarios import CONFIG, CREATE, SCENARIOS, pair
from keyturn.client.request_body import encode_bearer_token
from keyturn.client.transport import HttpTransport, RequestTimeouts, build_connection_factory
from keyturn.model.secret import Secret
from keyturn.model.service_url import parse_service_url
from keyturn.operations.exclusive_run import LEASE_SECONDS
from keyturn.state.lock import read_held_lock
from workspace_setup import setup

__all__ = ["setup"]

pytestmark = pytest.mark.faults
DAY = 86_400.0
ALL_CASES = 0.5
SLOW = {
    "slow body": {"kind": "slow_body", "seconds": 0.05},
    "no response": {"kind": "hang_after"},
    "no response, not applied": {"kind": "hang"},
    "late close": {"kind": "slow_body", "piece": 100_000, "seconds": 2 * ALL_CASES},
}
RESTORE = SCENARIOS["restore"]
TAKEN = {"name": "c-back", "type": "database", "config": CONFIG}


def statuses(result):
    """Return the outcome status of each change by name."""
    return {each.address.name: each.outcome_status.value for each in result.report.outcomes}


def write_numbers(harness, scenario):
    """Return the request write_numbers of the writes of a scenario, from 1."""
    requests = enumerate(run_without_faults(harness, scenario).requests, 1)
    return [number for number, each in requests if is_write(each["method"], each["path"])]


def client_with_short_timeouts(harness):
    """Return a client on real sockets with a timeout of half a second."""
    place, tempo = parse_service_url(harness.service.base_url), harness._client_clock()
    headers = {"Authorization": encode_bearer_token(Secret(harness.service.key), "a test")}
    timeouts = RequestTimeouts(connect=ALL_CASES, read=0.6 * ALL_CASES, total=ALL_CASES)
    real = replace(tempo, monotonic=time.monotonic)
    return harness.client_over(HttpTransport(place, headers, real, build_connection_factory(place), timeouts))


def create_on_slow_service(harness, fault):
    """Create on a slow service; return the result and whether it ended in time."""
    prepared = harness.prepare(CREATE)
    harness.start(prepared, fault, unique_names=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "_client", lambda: client_with_short_timeouts(harness))
        begun = time.monotonic()
        result = harness.apply(prepared.after, CREATE.approvals)
        spent = time.monotonic() - begun
    harness.service.set_faults([])
    return result, spent < ALL_CASES * len(result.requests) + 3


@pytest.mark.waits
@pytest.mark.parametrize("how", SLOW)
def test_one_slow_response(how, harness):
    """At each write: the call times out, and its outcome is looked up."""
    prepared = harness.prepare(CREATE)
    for number in write_numbers(harness, CREATE):
        result, soon = create_on_slow_service(harness, {**SLOW[how], "at": number})
        assert soon
        assert converge(harness, prepared, [result]) == []


@pytest.mark.waits
@pytest.mark.parametrize("how", list(SLOW)[:3])
def test_a_service_that_stays_slow(how, harness):
    """From each write on: the outcome is unknown, and the next run continues."""
    prepared = harness.prepare(CREATE)
    for number in write_numbers(harness, CREATE):
        result, soon = create_on_slow_service(harness, {**SLOW[how], "at": number, "times": 0})
        assert soon
        assert "unsure" in statuses(result).values()
        assert converge(harness, prepared, [result]) == []


@pytest.mark.parametrize("skew", [-DAY, DAY])
@pytest.mark.parametrize("scenario", [CREATE, SCENARIOS["update"], RESTORE], ids=lambda each: each.name)
def test_a_wrong_clock_creates_no_duplicate(scenario, skew, harness):
    """A lost response, or a kill: the object is found by the clock of the service."""
    prepared = harness.prepare(scenario)
    crash_points = [
        n
        for n, name in enumerate(run_without_faults(harness, scenario).crash_points, 1)
        if name.endswith(", done")
    ]
    troubles = [({"kind": "drop_after", "at": n}, 0) for n in write_numbers(harness, scenario)]
    for fault, at in [*troubles, *((None, crash_point) for crash_point in crash_points)]:
        harness.start(prepared, *([fault] if fault else []), unique_names=False)
        harness.clock.skew = skew
        result = harness.apply(prepared.after, scenario.approvals, CrashPoints(at))
        harness.service.set_faults([])
        assert converge(harness, prepared, [result]) == []


@pytest.mark.parametrize("skew", [-DAY, 0.0, DAY])
def test_an_object_created_in_the_ui_is_not_adopted(skew, harness):
    """The name is taken after the plan, and our own create is lost."""
    prepared = harness.prepare(CREATE)
    harness.start(
        prepared, {"kind": "drop_before", "method": "POST", "path": "/api/credentials"}, unique_names=False
    )
    harness.clock.skew, theirs = skew, []

    def ui_edits(call):
        if call.path == "/api/connections" and not theirs:
            theirs.extend(
                harness.service.seed_objects(credentials=[{**TAKEN, "name": "c-new"}])["credentials"]
            )
            theirs.append(harness.service.deployment.store.list_records())
            harness.clock.advance(5.0)

    harness.on_request = ui_edits
    harness.apply(prepared.after, CREATE.approvals)
    harness.on_request = lambda _: None
    (before,) = [each for each in theirs[1] if each.id == theirs[0]]
    assert before in harness.service.deployment.store.list_records()


@pytest.mark.parametrize("jump", [-DAY, DAY])
@pytest.mark.parametrize("scenario", [CREATE, SCENARIOS["rotate replace"]], ids=lambda each: each.name)
def test_a_clock_jump_keeps_the_lease(jump, scenario, harness):
    """At each request: the run ends normally and releases the lock."""
    prepared, count = harness.prepare(scenario), len(run_without_faults(harness, scenario).requests)
    for number in range(1, count + 1):
        harness.start(prepared)
        seen = []

        def jumping(call, number=number, seen=seen):
            seen.append(call)
            if len(seen) == number:
                harness.clock.skew = jump

        harness.on_request = jumping
        result = harness.apply(prepared.after, scenario.approvals)
        harness.on_request = lambda _: None
        assert set(statuses(result).values()) == {"done"}
        assert read_held_lock(harness.memory) is None
        assert converge(harness, prepared, [result]) == []


def test_a_clock_jump_does_not_extend_the_lease(harness):
    """The lease ends by the monotonic clock; no further write is sent."""
    prepared = harness.prepare(CREATE)
    harness.start(prepared)

    def stopped(call):
        if call.method == "POST" and not harness.clock.skew:
            harness.clock.skew = -DAY
            harness.clock.advance(LEASE_SECONDS + 1)

    harness.on_request = stopped
    result = harness.apply(prepared.after, CREATE.approvals)
    harness.on_request = lambda _: None
    assert result.write_count == 1
    assert result.report.stopped
    assert converge(harness, prepared, [result]) == []


def delete_same_name(harness, count, name):
    """Create and soft-delete credentials of a name in the UI; return their records."""
    made = []
    for _ in range(count):
        made += harness.service.seed_objects(credentials=[{**TAKEN, "name": name}])["credentials"]
        harness.service.perform_ui_action("trash", id=made[-1])
    return [each for each in harness.service.deployment.store.list_records() if each.id in made]


@pytest.mark.parametrize("listed", [False, True], ids=["hidden", "listed"])
@pytest.mark.parametrize("reserved", [False, True], ids=["freed", "reserved"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_deleted_objects_of_the_name_are_not_touched(count, reserved, listed, harness):
    """A create succeeds, or fails with a message if the names are reserved."""
    prepared = harness.prepare(CREATE)
    harness.start(prepared, list_deleted=listed)
    there = delete_same_name(harness, count, "c-new")
    harness.service.change_settings(delete_frees_name=not reserved)
    result = harness.apply(prepared.after, CREATE.approvals)
    refused = bool(count and reserved)
    first, second = ("failed", "blocked") if refused else ("done", "done")
    assert statuses(result) == {"c-new": first, "n-new": second}
    assert set(there) <= set(harness.service.deployment.store.list_records())
    for each in there if refused else ():
        harness.service.perform_ui_action("purge", id=each.id)
    assert converge(harness, prepared, [result]) == []


@pytest.mark.parametrize("count", [1, 2])
def test_a_restore_fails_while_the_name_is_reserved(count, harness):
    """Until the other deleted objects are purged."""
    prepared = harness.prepare(RESTORE)
    harness.start(prepared)
    there = delete_same_name(harness, count, "c-back")
    harness.service.change_settings(delete_frees_name=False)
    result = harness.apply(prepared.after, RESTORE.approvals)
    assert statuses(result)["c-back"] == "failed"
    assert set(there) <= set(harness.service.deployment.store.list_records())
    for each in there:
        harness.service.perform_ui_action("purge", id=each.id)
    assert converge(harness, prepared, [result]) == []


def test_a_restore_fails_if_the_name_is_taken(harness):
    """The other object is not changed."""
    prepared = harness.prepare(RESTORE)
    harness.start(prepared)
    made = []

    def ui_edits(call):
        if call.path_template.endswith("/restore") and not made:
            made.extend(harness.service.seed_objects(credentials=[TAKEN])["credentials"])

    harness.on_request = ui_edits
    result = harness.apply(prepared.after, RESTORE.approvals)
    harness.on_request = lambda _: None
    assert statuses(result) == {"c-back": "failed", "n-back": "blocked"}
    (theirs,) = [each for each in harness.service.deployment.store.list_records() if each.id == made[0]]
    assert theirs.is_active
    assert theirs.updated_at == theirs.created_at
    harness.service.perform_ui_action("purge", id=made[0])
    assert converge(harness, prepared, [result]) == []


FULL = """
import resource, signal, sys
from keyturn.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
main()
"""


def intent_names(repo):
    """Return the names in the intent_names of the journal."""
    journal = repo.root / ".keyturn/prod/journal.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    return [tree["expect"] for tree in map(json.loads, lines) if tree["event"] == "intent"]


def test_a_full_disk_stops_before_the_request(setup, canary):
    """Wherever the journal ends: no write without an intent, and the next apply continues."""
    pair("full")(setup.repo, lambda _: canary())
    codes, counts = [], set()
    for limit in (0, 300, 600, 900, 1200, 1600, 2000, 2600):
        setup.service.reset()
        shutil.rmtree(setup.repo.root / ".keyturn/prod", ignore_errors=True)
        command = [sys.executable, "-B", "-c", FULL, str(limit), "apply", "--auto-approve", "--no-test"]
        ended = subprocess.run(
            command,
            cwd=setup.repo.root,
            env=setup.repo.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        written = [each for each in setup.service.list_requests() if is_write(each["method"], each["path"])]
        codes.append(ended.returncode)
        counts.add(len(written))
        assert "Traceback" not in ended.stderr
        assert len(written) <= len(intent_names(setup.repo))
        assert setup.run("apply", "--auto-approve", "--no-test").code == 0
        assert sorted([*setup.live(), *setup.live("connections")]) == ["c-full", "n-full"]
    assert set(codes[:4]) == {1}
    assert {0, 1} <= counts
