"""A run that dies at any door: before and after each request, line of the journal, write of the state."""

import pytest

from faults.campaign import LAGS, LOST, REFUSED, Case, deaths, singles, smooth
from faults.scenes import CREATE, EVERYTHING, IN_PLACE, MOVES, REFUSALS, SCENES, TEN

pytestmark = pytest.mark.faults
ALL = (*SCENES.values(), *REFUSALS.values(), *MOVES.values(), TEN, EVERYTHING)
SMALL = (CREATE, IN_PLACE, SCENES["adopt"], SCENES["forget"])
CHANGES = (*SCENES.values(), *REFUSALS.values(), *MOVES.values())
NAMES = [scene.name for scene in ALL]
TWINS = {"unique_names": False}


@pytest.mark.parametrize("scene", ALL, ids=NAMES)
def test_a_death_anywhere_is_mended_by_the_next_run(scene, rig, walk):
    """At every door once, and at every line of the journal once more with half of it written."""
    passed = smooth(rig, scene).doors
    cases = [Case(scene=scene, at=number) for number in range(1, len(passed) + 1)]
    torn = [Case(scene=scene, at=n, tears=True) for n, name in enumerate(passed, 1) if name == "append"]
    walk([*cases, *torn])


@pytest.mark.parametrize("scene", CHANGES, ids=[scene.name for scene in CHANGES])
def test_a_death_under_lagging_lists_leaves_no_twin(scene, rig, walk):
    """The next run follows at once, sees old lists, and may not make anything twice."""
    walk(
        [
            Case(scene=scene, at=number, settings={"list_lag_seconds": lag, **TWINS})
            for number in deaths(smooth(rig, scene))
            for lag in LAGS
        ]
    )


def test_what_a_list_does_not_show_yet_was_not_retired(walk):
    """The successor was just made, no list has it, and the run dies before it is retired again."""
    scene = REFUSALS["refused rotate replace"]
    lagging = {"list_lag_seconds": 10.0, **TWINS}
    walk([Case(scene=scene, at=number, settings=lagging) for number in range(30, 38)])


@pytest.mark.parametrize("scene", CHANGES, ids=[scene.name for scene in CHANGES])
def test_a_second_death_while_the_first_is_mended(scene, rig, walk):
    """The run that mends dies too, wherever it is."""
    walk(
        [
            Case(scene=scene, at=first, again=second)
            for first in deaths(smooth(rig, scene))
            for second in deaths(smooth(rig, scene, at=first))
        ]
    )


@pytest.mark.parametrize("scene", SMALL, ids=[scene.name for scene in SMALL])
def test_a_fault_and_a_death_together(scene, rig, walk):
    """Each fault at each request, and a death at each door besides, those of the repetitions included.

    A death before the fault is met is a death without a fault, and left out.
    """
    faults = singles(len(smooth(rig, scene).requests), (*LOST, *REFUSED))
    walk(
        [
            Case(scene=scene, faults=(fault,), at=at, settings=TWINS)
            for fault in faults
            for at in deaths(smooth(rig, scene, fault, **TWINS), since=2 * fault["at"])
        ]
    )
