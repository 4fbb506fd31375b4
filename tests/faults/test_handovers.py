"""A hand-over that is stopped after the connections were pointed to the successor."""

import pytest

from faults.campaign import smooth
from faults.scenes import REPLACED

pytestmark = pytest.mark.faults


def test_the_next_run_takes_the_connections_along(rig):
    """It puts back what it takes for an edit, and then hands over again: all is done, and really is."""
    stage = rig.stage_of(REPLACED)
    puts = [n for n, each in enumerate(smooth(rig, REPLACED).requests, 1) if each["method"] == "PUT"]
    rig.begin(stage, {"kind": "status_before", "status": 403, "at": puts[1]})
    first = rig.apply(stage.after, REPLACED.consents)
    rig.service.set_faults([])
    rig.hour.pass_by(60.0)
    second = rig.apply(stage.after, REPLACED.consents)
    rows = rig.service.world.store.everything()
    (new,) = [each.id for each in rows if each.active and each.name == "c-replace"]
    (link,) = [each for each in rows if each.name == "n-replace"]
    assert "failed" in {each.ending.value for each in first.report.outcomes}
    assert {each.ending.value for each in second.report.outcomes} == {"done"}
    assert link.credential_id == new
