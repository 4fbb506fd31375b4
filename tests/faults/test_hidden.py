"""Lists that do not show what is there, or not yet: what uses a secret is asked by its id."""

from datetime import UTC, datetime, timedelta

import pytest

from faults.campaign import Case, run
from faults.scenes import CONFIG, REFUSALS, REPLACED

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
def test_a_connection_that_no_list_shows_is_tried_too(strategy, rig):
    """The state knows that it uses the credential, so that a wrong secret is found out at it."""
    name = f"n-{strategy.replace('_', '-')}"
    scene = REFUSALS[f"refused rotate {strategy}"]
    assert run(rig, Case(scene=scene, settings={"hidden": [name], "hidden_get": 200})) == []


def test_a_successor_that_no_list_shows_in_use_stays(rig):
    """A hand-over is stopped behind the last connection: what they use by then is not cleared away."""
    stage = rig.stage_of(REPLACED)
    rig.begin(stage, hidden=["n-replace"], hidden_get=200)
    day = (datetime.fromtimestamp(rig.hour.wall(), UTC) + timedelta(days=7)).date().isoformat()
    rig.service.seed_objects(
        credentials=[{"name": f"c-replace-until-{day}", "type": "database", "config": CONFIG}]
    )
    act = rig.apply(stage.after, REPLACED.consents)
    rows = {each.id: each for each in rig.service.deployment.store.list_records()}
    (link,) = [each for each in rows.values() if each.name == "n-replace"]
    assert [each.outcome_status.value for each in act.report.outcomes] == ["failed", "stale"]
    assert rows[link.credential_id].is_active
