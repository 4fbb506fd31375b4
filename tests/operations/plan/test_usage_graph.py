"""What mentions an object."""

import pytest

from keyturn.operations.plan.usage_graph import (
    UsageGraph,
    UsageNode,
    build_usage_graph,
    iterate_strings,
    users_of,
)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ("a", ["a"]),
        ({"a": "b", "c": ["d", {"e": "f"}], "g": 1, "h": None}, ["b", "d", "f"]),
        (7, []),
        ('{"a": ["b"]}', ['{"a": ["b"]}', "b"]),
        ("{broken", ["{broken"]),
        ([], []),
    ],
)
def test_ids_stand_anywhere(tree, expected):
    """However deep a vendor puts them."""
    assert list(iterate_strings(tree)) == expected


def test_what_is_met_twice_counts_once():
    """And two of one name are two."""
    known = {"a": (UsageNode("nightly", "1"), UsageNode("nightly", "2")), "b": (UsageNode("nightly", "1"),)}
    assert users_of(known, ["a", "b", "c"]) == (UsageNode("nightly", "1"), UsageNode("nightly", "2"))
    assert users_of(known, []) == ()
    assert users_of(None, ["a"]) is None


def test_schedules_are_known_by_their_pipeline_too(office, begin):
    """A picture draws the arrow from the pipeline that a schedule starts; one that is off is none."""
    node = {"id": "n", "config": {"connectionId": "conn_1"}}
    office.service.seed_objects(
        pipelines=[{"id": "pl_1", "name": "nightly", "status": "active", "nodes": [node]}]
    )
    times = {"pipeline_id": "pl_1", "cron_expression": "0 3 * * *", "timezone": "UTC"}
    run = {**times, "next_run_at": "2030-01-02T03:00:00Z"}
    office.service.seed_objects(
        schedules=[{"id": "sch_1", "enabled": True, **run}, {"id": "sch_2", "enabled": False, **run}]
    )
    found = build_usage_graph(begin().service, frozenset({"conn_1"}), linked=True)
    use = (UsageNode("2030-01-02T03:00:00Z", "sch_1"),)
    assert isinstance(found, UsageGraph)
    assert (found.schedules_by_pipeline, found.schedules) == ({"pl_1": use}, {"conn_1": use})
    assert found.pipelines == {"conn_1": (UsageNode("nightly", "pl_1"),)}
