"""Every single fault at every request of every action."""

import pytest

from faults.campaign import EDITS, LAGS, LOST, PUTS, REFUSED, Case, singles, smooth
from faults.memory import Doors
from faults.scenes import EVERYTHING, MOVES, REFUSALS, SCENES, VERIFY
from faults.straight import writes

pytestmark = pytest.mark.faults
ALL = (*SCENES.values(), *REFUSALS.values(), *MOVES.values())
NAMES = [scene.name for scene in ALL]


@pytest.mark.parametrize("scene", [*ALL, EVERYTHING], ids=[*NAMES, EVERYTHING.name])
def test_without_a_fault_nothing_is_broken(scene, walk):
    """The invariants hold where nothing goes wrong: what they say of faults is about the faults."""
    walk([Case(scene=scene)])


@pytest.mark.parametrize("scene", [*ALL, EVERYTHING], ids=[*NAMES, EVERYTHING.name])
def test_whatever_a_put_leaves_out_nothing_is_lost(scene, walk):
    """Services that merge, replace, wipe unsent secrets, or take a PUT for the whole object."""
    walk([Case(scene=scene, settings=how) for how in PUTS])


@pytest.mark.parametrize("scene", ALL, ids=NAMES)
def test_a_lost_answer_leaves_nothing_behind(scene, rig, walk):
    """The work was done and the answer did not arrive, nine ways."""
    requests = len(smooth(rig, scene).requests)
    walk([Case(scene=scene, faults=(fault,)) for fault in singles(requests, LOST)])


@pytest.mark.parametrize("scene", ALL, ids=NAMES)
def test_what_was_not_done_is_done_later(scene, rig, walk):
    """Nothing was done, with an error, a refusal, a 429 or a mere yes."""
    requests = len(smooth(rig, scene).requests)
    walk([Case(scene=scene, faults=(fault,)) for fault in singles(requests, REFUSED)])


def test_a_roll_back_that_was_not_taken_is_not_tested(rig, walk):
    """The service says yes and keeps the new secret: that goes to the new place alone, and to no test."""
    scene = MOVES["refused move in_place"]
    requests = enumerate(smooth(rig, scene).requests, 1)
    last = max(number for number, each in requests if each["method"] == "PUT")
    walk([Case(scene=scene, faults=({"kind": "ignore", "at": last},))])


@pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))
def test_an_edit_at_any_moment_is_seen(scene, rig, walk):
    """Before, within and after each request somebody edits the object in the UI."""
    requests = len(smooth(rig, scene).requests)
    walk([Case(scene=scene, faults=(fault,)) for fault in singles(requests, EDITS)])


@pytest.mark.parametrize("scene", ALL, ids=NAMES)
def test_a_lost_write_is_not_repeated_because_a_list_lags(scene, rig, walk):
    """Lists are behind by 0.4, 2 and 10 s, names are unique or not, and the answer to a write is lost."""
    numbers = [
        number
        for number, each in enumerate(smooth(rig, scene).requests, 1)
        if writes(each["method"], each["path"])
    ]
    walk(
        [
            Case(
                scene=scene,
                faults=({**fault, "at": number},),
                settings={"list_lag_seconds": lag, "unique_names": unique},
            )
            for number in numbers
            for fault in (*LOST[:2], REFUSED[2])
            for lag in LAGS
            for unique in (True, False)
        ]
    )


@pytest.mark.parametrize(
    "fault", [*LOST, *REFUSED], ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}"
)
def test_all_actions_at_once_stand_any_fault(fault, rig, walk):
    """The same for the plan that holds every action."""
    requests = len(smooth(rig, EVERYTHING).requests)
    walk([Case(scene=EVERYTHING, faults=(each,)) for each in singles(requests, (fault,))])


def test_a_storm_ends_the_run_and_the_next_one_goes_on(rig, walk):
    """From request n on the service says 503 to everything."""
    requests = len(smooth(rig, EVERYTHING).requests)
    storm = {"kind": "status_before", "status": 503, "times": 0}
    walk([Case(scene=EVERYTHING, faults=({**storm, "at": number},)) for number in range(1, requests + 1)])


@pytest.mark.parametrize(
    ("asked", "least"), [("2", 2.0), ("0", 0.0), ("", 0.0), ("garbage", 0.0), ("-5", 0.0), ("240", 240.0)]
)
def test_a_429_is_waited_for_as_long_as_it_asks(asked, least, rig):
    """Seconds, nought, none, nonsense, a negative number, minutes: never sooner than asked."""
    stage = rig.stage_of(VERIFY)
    rig.begin(stage, {"kind": "rate_limit", "retry_after": asked, "among": "writes", "at": 1})
    rig.hour.naps.clear()
    act = rig.apply(stage.after, VERIFY.consents, Doors())
    assert [each.outcome_status.value for each in act.report.outcomes] == ["done"]
    assert sum(rig.hour.naps) >= least


def test_a_429_for_hours_is_not_waited_for(rig):
    """Where more than five minutes are asked for, the change fails and is taken up by a later run."""
    stage = rig.stage_of(VERIFY)
    rig.begin(stage, {"kind": "rate_limit", "retry_after": "86400", "among": "writes", "at": 1})
    rig.hour.naps.clear()
    act = rig.apply(stage.after, VERIFY.consents, Doors())
    assert [each.outcome_status.value for each in act.report.outcomes] == ["failed"]
    assert sum(rig.hour.naps) < 301
