"""A run that dies at any door: before and after each request, line of the journal, write of the ledger."""

import pytest

from faults.campaign import LAGS, LOST, REFUSED, Case, singles, smooth
from faults.scenes import CREATE, EVERYTHING, IN_PLACE, REFUSALS, SCENES, TEN

pytestmark = pytest.mark.faults
ALL = (*SCENES.values(), *REFUSALS.values(), TEN, EVERYTHING)
SMALL = (CREATE, IN_PLACE, SCENES["adopt"], SCENES["forget"])
NAMES = [scene.name for scene in ALL]


def doors(rig, scene):
    """Return the doors of a scene, in order."""
    return smooth(rig, scene).doors


@pytest.mark.parametrize("scene", ALL, ids=NAMES)
def test_a_death_anywhere_is_mended_by_the_next_run(scene, rig, walk):
    """At every door once, and at every line of the journal once more with half of it written."""
    passed = doors(rig, scene)
    cases = [Case(scene=scene, at=number) for number in range(1, len(passed) + 1)]
    torn = [Case(scene=scene, at=n, tears=True) for n, name in enumerate(passed, 1) if name == "append"]
    walk([*cases, *torn])


@pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))
def test_a_death_under_lagging_lists_leaves_no_twin(scene, rig, walk):
    """The next run follows at once, sees old lists, and may not make anything twice."""
    numbers = range(1, len(doors(rig, scene)) + 1)
    walk(
        [
            Case(scene=scene, at=number, settings={"list_lag_seconds": lag, "unique_names": False})
            for number in numbers
            for lag in LAGS
        ]
    )


@pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))
def test_a_second_death_while_the_first_is_mended(scene, rig, walk):
    """The run that mends dies too."""
    number = len(doors(rig, scene))
    walk(
        [
            Case(scene=scene, at=first, again=second)
            for first in range(5, number + 1, 4)
            for second in range(4, number + 1, 5)
        ]
    )


@pytest.mark.parametrize("scene", SMALL, ids=[scene.name for scene in SMALL])
def test_a_fault_and_a_death_together(scene, rig, walk):
    """Each fault at each request, and a death at each door besides."""
    act = smooth(rig, scene)
    faults = tuple(singles(len(act.requests), (*LOST[:2], REFUSED[0], REFUSED[2])))
    walk(
        [
            Case(scene=scene, faults=(fault,), at=at, settings={"unique_names": False})
            for fault in faults
            for at in range(fault["at"], len(act.doors) + 1)
        ]
    )
