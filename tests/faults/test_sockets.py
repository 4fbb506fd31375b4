"""The same over real sockets: what breaks there is what the campaign takes for broken."""

import pytest

from faults.campaign import finish, smooth
from faults.scenes import SCENES, VERIFY
from faults.straight import writes

pytestmark = pytest.mark.faults
BROKEN = ("drop_after", "drop_before", "truncate_after", "invalid_after", "empty_after", "close_after")


@pytest.mark.parametrize("scene", [SCENES["create"], VERIFY, SCENES["replace"]], ids=lambda scene: scene.name)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_line_that_breaks_leaves_nothing_behind(scene, kind, rig, record_property):
    """Resets, cut bodies and kept-alive connections that close, at every write."""
    requests = smooth(rig, scene).requests
    numbers = [n for n, each in enumerate(requests, 1) if writes(each["method"], each["path"])]
    stage = rig.stage_of(scene)
    rig.sockets, bad = True, []
    for number in numbers:
        rig.begin(stage, {"kind": kind, "at": number}, unique_names=False)
        acts = [rig.apply(stage.after, scene.consents)]
        rig.service.set_faults([])
        bad += [(number, each) for each in finish(rig, stage, acts)]
    rig.sockets = False
    record_property("cases", len(numbers))
    record_property("violations", len(bad))
    assert bad == []
