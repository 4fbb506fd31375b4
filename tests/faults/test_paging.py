"""Lists that are not whole: a page lost, a cursor that leads nowhere, rows that come twice, a wrong total."""

import pytest

from faults.campaign import Case, smooth
from faults.scenes import EVERYTHING, SCENES, TEN

pytestmark = pytest.mark.faults
PAGES = {"page_limit": 3, "connection_page_size": 3}
TROUBLES = {
    "a page lost": {"paging_trouble": "lost"},
    "a cursor that loops": {"paging_trouble": "loop"},
    "rows that come twice": {"paging_trouble": "repeat"},
    "a cursor that expired": {"paging_trouble": "expired"},
    "a total too large": {"total_excess": 1},
}


@pytest.mark.parametrize("scene", [*SCENES.values(), TEN, EVERYTHING], ids=lambda scene: scene.name)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_list_that_is_not_whole_is_never_acted_upon(trouble, scene, rig, walk):
    """From each request on, and then no more: nothing is deleted, made twice or overlooked for it."""
    requests = len(smooth(rig, scene, **PAGES).requests)
    walk(
        [
            Case(scene=scene, settings=PAGES, turns=TROUBLES[trouble], turn=number)
            for number in range(1, requests + 1)
        ]
    )


@pytest.mark.parametrize("trouble", [name for name in TROUBLES if name != "rows that come twice"])
def test_a_plan_is_not_made_of_it(trouble, rig):
    """The run ends before anything is written: of what is not listed, nothing is known."""
    stage = rig.stage_of(EVERYTHING)
    rig.begin(stage, **PAGES, **TROUBLES[trouble])
    act = rig.apply(stage.after, EVERYTHING.consents)
    assert act.writes == 0
    assert act.error is not None


def test_rows_that_come_twice_count_once(rig):
    """Pages that overlap say the same twice: the run goes through at once."""
    stage = rig.stage_of(EVERYTHING)
    rig.begin(stage, **PAGES, **TROUBLES["rows that come twice"])
    act = rig.apply(stage.after, EVERYTHING.consents)
    assert {each.outcome_status.value for each in act.report.outcomes} == {"done"}
