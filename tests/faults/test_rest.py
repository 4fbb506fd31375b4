"""What is left: a service that dawdles, clocks that disagree, twins in the trash, a full disk."""

import json
import shutil
import subprocess
import sys
import time

import pytest
from msgspec.structs import replace

from faults.campaign import finish, smooth
from faults.memory import Doors
from faults.scenes import CONFIG, CREATE, SCENES, pair
from faults.straight import writes
from keyturn.client.request_body import encode_bearer_token
from keyturn.client.transport import HttpTransport, RequestTimeouts, build_connection_factory
from keyturn.model.secret import Secret
from keyturn.model.service_url import parse_service_url
from keyturn.operations.exclusive_run import LEASE_SECONDS
from keyturn.state.lock import read_held_lock
from offices import office

__all__ = ["office"]

pytestmark = pytest.mark.faults
DAY = 86_400.0
WHOLE = 0.5
SLOW = {
    "a byte at a time": {"kind": "slow_body", "seconds": 0.05},
    "silence": {"kind": "hang_after"},
    "silence before the work": {"kind": "hang"},
    "a close that is late": {"kind": "slow_body", "piece": 100_000, "seconds": 2 * WHOLE},
}
RESTORE = SCENES["restore"]
TAKEN = {"name": "c-back", "type": "database", "config": CONFIG}


def endings(act):
    """Return how the changes of a run ended, by name."""
    return {each.address.name: each.outcome_status.value for each in act.report.outcomes}


def numbers(rig, scene):
    """Return which requests of a scene are writes, counted from 1."""
    requests = enumerate(smooth(rig, scene).requests, 1)
    return [number for number, each in requests if writes(each["method"], each["path"])]


def impatient(rig):
    """Return a client on real sockets and a real clock that gives up after half a second."""
    place, tempo = parse_service_url(rig.service.base_url), rig._tempo()
    headers = {"Authorization": encode_bearer_token(Secret(rig.service.key), "a test")}
    timeouts = RequestTimeouts(connect=WHOLE, read=0.6 * WHOLE, total=WHOLE)
    real = replace(tempo, monotonic=time.monotonic)
    return rig.client_over(HttpTransport(place, headers, real, build_connection_factory(place), timeouts))


def dawdled(rig, fault):
    """Create on a service that dawdles; return the run and whether it was over in time."""
    stage = rig.stage_of(CREATE)
    rig.begin(stage, fault, unique_names=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rig, "_client", lambda: impatient(rig))
        begun = time.monotonic()
        act = rig.apply(stage.after, CREATE.consents)
        spent = time.monotonic() - begun
    rig.service.set_faults([])
    return act, spent < WHOLE * len(act.requests) + 3


@pytest.mark.waits
@pytest.mark.parametrize("how", SLOW)
def test_one_slow_answer_holds_nothing_up(how, rig):
    """At each write, once: the call ends when its time is over, and what became of it is looked up."""
    stage = rig.stage_of(CREATE)
    for number in numbers(rig, CREATE):
        act, soon = dawdled(rig, {**SLOW[how], "at": number})
        assert soon
        assert finish(rig, stage, [act]) == []


@pytest.mark.waits
@pytest.mark.parametrize("how", list(SLOW)[:3])
def test_a_service_that_stays_slow_is_left_and_returned_to(how, rig):
    """From a write on: what nobody knows is called unsure, the rest does not begin, the next run goes on."""
    stage = rig.stage_of(CREATE)
    for number in numbers(rig, CREATE):
        act, soon = dawdled(rig, {**SLOW[how], "at": number, "times": 0})
        assert soon
        assert "unsure" in endings(act).values()
        assert finish(rig, stage, [act]) == []


@pytest.mark.parametrize("skew", [-DAY, DAY])
@pytest.mark.parametrize("scene", [CREATE, SCENES["update"], RESTORE], ids=lambda scene: scene.name)
def test_a_clock_that_is_a_day_off_makes_no_twin(scene, skew, rig):
    """A lost answer, then a death at the same write: what was made is found by the service's clock."""
    stage = rig.stage_of(scene)
    doors = [n for n, name in enumerate(smooth(rig, scene).doors, 1) if name.endswith(", done")]
    troubles = [({"kind": "drop_after", "at": n}, 0) for n in numbers(rig, scene)]
    for fault, at in [*troubles, *((None, door) for door in doors)]:
        rig.begin(stage, *([fault] if fault else []), unique_names=False)
        rig.hour.skew = skew
        act = rig.apply(stage.after, scene.consents, Doors(at))
        rig.service.set_faults([])
        assert finish(rig, stage, [act]) == []


@pytest.mark.parametrize("skew", [-DAY, 0.0, DAY])
def test_what_was_there_before_is_nobodys_lost_create(skew, rig):
    """Somebody makes the name after our plan looked; our own create is lost, and theirs is left alone."""
    stage = rig.stage_of(CREATE)
    rig.begin(
        stage, {"kind": "drop_before", "method": "POST", "path": "/api/credentials"}, unique_names=False
    )
    rig.hour.skew, theirs = skew, []

    def meanwhile(call):
        if call.path == "/api/connections" and not theirs:
            theirs.extend(rig.service.seed_objects(credentials=[{**TAKEN, "name": "c-new"}])["credentials"])
            theirs.append(rig.service.deployment.store.list_records())
            rig.hour.pass_by(5.0)

    rig.on_request = meanwhile
    rig.apply(stage.after, CREATE.consents)
    rig.on_request = lambda _: None
    (before,) = [each for each in theirs[1] if each.id == theirs[0]]
    assert before in rig.service.deployment.store.list_records()


@pytest.mark.parametrize("jump", [-DAY, DAY])
@pytest.mark.parametrize("scene", [CREATE, SCENES["rotate replace"]], ids=lambda scene: scene.name)
def test_a_clock_that_jumps_ends_no_lease(jump, scene, rig):
    """At each request, once: the run goes on to its end and lets the lock go."""
    stage, count = rig.stage_of(scene), len(smooth(rig, scene).requests)
    for number in range(1, count + 1):
        rig.begin(stage)
        seen = []

        def jumping(call, number=number, seen=seen):
            seen.append(call)
            if len(seen) == number:
                rig.hour.skew = jump

        rig.on_request = jumping
        act = rig.apply(stage.after, scene.consents)
        rig.on_request = lambda _: None
        assert set(endings(act).values()) == {"done"}
        assert read_held_lock(rig.memory) is None
        assert finish(rig, stage, [act]) == []


def test_a_clock_that_jumps_back_makes_no_lease_longer(rig):
    """The lease is over by the clock that never jumps: not one write more."""
    stage = rig.stage_of(CREATE)
    rig.begin(stage)

    def stopped(call):
        if call.method == "POST" and not rig.hour.skew:
            rig.hour.skew = -DAY
            rig.hour.pass_by(LEASE_SECONDS + 1)

    rig.on_request = stopped
    act = rig.apply(stage.after, CREATE.consents)
    rig.on_request = lambda _: None
    assert act.writes == 1
    assert act.report.stopped
    assert finish(rig, stage, [act]) == []


def twins(rig, count, name):
    """Put credentials of a name into the trash, as people do; return them as they are then."""
    made = []
    for _ in range(count):
        made += rig.service.seed_objects(credentials=[{**TAKEN, "name": name}])["credentials"]
        rig.service.perform_ui_action("trash", id=made[-1])
    return [each for each in rig.service.deployment.store.list_records() if each.id in made]


@pytest.mark.parametrize("listed", [False, True], ids=["hidden", "listed"])
@pytest.mark.parametrize("reserved", [False, True], ids=["freed", "reserved"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_twins_in_the_trash_are_left_there(count, reserved, listed, rig):
    """A create goes through, or is refused and says so; theirs stays as it is."""
    stage = rig.stage_of(CREATE)
    rig.begin(stage, list_deleted=listed)
    there = twins(rig, count, "c-new")
    rig.service.change_settings(delete_frees_name=not reserved)
    act = rig.apply(stage.after, CREATE.consents)
    refused = bool(count and reserved)
    first, second = ("failed", "blocked") if refused else ("done", "done")
    assert endings(act) == {"c-new": first, "n-new": second}
    assert set(there) <= set(rig.service.deployment.store.list_records())
    for each in there if refused else ():
        rig.service.perform_ui_action("purge", id=each.id)
    assert finish(rig, stage, [act]) == []


@pytest.mark.parametrize("count", [1, 2])
def test_a_restore_under_reserved_names_waits_for_the_twins(count, rig):
    """Our own is in the trash, and so are others of its name: 409, until somebody has cleared them away."""
    stage = rig.stage_of(RESTORE)
    rig.begin(stage)
    there = twins(rig, count, "c-back")
    rig.service.change_settings(delete_frees_name=False)
    act = rig.apply(stage.after, RESTORE.consents)
    assert endings(act)["c-back"] == "failed"
    assert set(there) <= set(rig.service.deployment.store.list_records())
    for each in there:
        rig.service.perform_ui_action("purge", id=each.id)
    assert finish(rig, stage, [act]) == []


def test_a_restore_whose_name_is_taken_meanwhile_takes_nothing(rig):
    """Somebody makes the freed name between plan and restore: 409, and theirs is not touched."""
    stage = rig.stage_of(RESTORE)
    rig.begin(stage)
    made = []

    def meanwhile(call):
        if call.path_template.endswith("/restore") and not made:
            made.extend(rig.service.seed_objects(credentials=[TAKEN])["credentials"])

    rig.on_request = meanwhile
    act = rig.apply(stage.after, RESTORE.consents)
    rig.on_request = lambda _: None
    assert endings(act) == {"c-back": "failed", "n-back": "blocked"}
    (theirs,) = [each for each in rig.service.deployment.store.list_records() if each.id == made[0]]
    assert theirs.is_active
    assert theirs.updated_at == theirs.created_at
    rig.service.perform_ui_action("purge", id=made[0])
    assert finish(rig, stage, [act]) == []


FULL = """
import resource, signal, sys
from keyturn.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
main()
"""


def intents(repo):
    """Return the names of what the journal announced."""
    journal = repo.root / ".keyturn/prod/journal.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    return [tree["expect"] for tree in map(json.loads, lines) if tree["event"] == "intent"]


def test_a_full_disk_stops_before_the_service_is_asked(office, canary):
    """Wherever the journal ends: no write without its intent, the exit tells, and the next apply goes on."""
    pair("full")(office.repo, lambda _: canary())
    codes, counts = [], set()
    for limit in (0, 300, 600, 900, 1200, 1600, 2000, 2600):
        office.service.reset()
        shutil.rmtree(office.repo.root / ".keyturn/prod", ignore_errors=True)
        command = [sys.executable, "-B", "-c", FULL, str(limit), "apply", "--auto-approve", "--no-test"]
        ended = subprocess.run(
            command,
            cwd=office.repo.root,
            env=office.repo.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        written = [each for each in office.service.list_requests() if writes(each["method"], each["path"])]
        codes.append(ended.returncode)
        counts.add(len(written))
        assert "Traceback" not in ended.stderr
        assert len(written) <= len(intents(office.repo))
        assert office.here("apply", "--auto-approve", "--no-test").code == 0
        assert sorted([*office.live(), *office.live("connections")]) == ["c-full", "n-full"]
    assert set(codes[:4]) == {1}
    assert {0, 1} <= counts
