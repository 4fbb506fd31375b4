"""Lists that omit existing objects: users of a secret are read by ID."""

from datetime import UTC, datetime, timedelta

import pytest

from faults.fault_cases import FaultCase, check_case
from faults.scenarios import CONFIG, REFUSALS, REPLACED

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
def test_an_unlisted_connection_is_tested(strategy, harness):
    """The state knows that it uses the credential."""
    name = f"n-{strategy.replace('_', '-')}"
    scenario = REFUSALS[f"refused rotate {strategy}"]
    assert (
        check_case(harness, FaultCase(scenario=scenario, settings={"hidden": [name], "hidden_get": 200}))
        == []
    )


def test_a_successor_used_by_an_unlisted_connection_stays(harness):
    """The replacement is interrupted after the last connection."""
    prepared = harness.prepare(REPLACED)
    harness.start(prepared, hidden=["n-replace"], hidden_get=200)
    day = (datetime.fromtimestamp(harness.clock.wall(), UTC) + timedelta(days=7)).date().isoformat()
    harness.service.seed_objects(
        credentials=[{"name": f"c-replace-until-{day}", "type": "database", "config": CONFIG}]
    )
    result = harness.apply(prepared.after, REPLACED.approvals)
    rows = {each.id: each for each in harness.service.deployment.store.list_records()}
    (link,) = [each for each in rows.values() if each.name == "n-replace"]
    assert [each.outcome_status.value for each in result.report.outcomes] == ["failed", "stale"]
    assert rows[link.credential_id].is_active
