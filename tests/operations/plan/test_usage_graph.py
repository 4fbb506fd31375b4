"""The users of objects."""

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
def test_strings_are_found_at_any_depth(tree, expected):
    """JSON inside a string, too."""
    assert list(iterate_strings(tree)) == expected


def test_a_user_of_two_objects_counts_once():
    """Two users of the same name count twice."""
    known = {"a": (UsageNode("nightly", "1"), UsageNode("nightly", "2")), "b": (UsageNode("nightly", "1"),)}
    assert users_of(known, ["a", "b", "c"]) == (UsageNode("nightly", "1"), UsageNode("nightly", "2"))
    assert users_of(known, []) == ()
    assert users_of(None, ["a"]) is None


def test_schedules_are_indexed_by_pipeline(setup, begin):
    """A disabled schedule is left out; a text that is no time is not shown."""
    node = {"id": "n", "config": {"connectionId": "conn_1"}}
    setup.service.seed_objects(
        pipelines=[{"id": "pl_1", "name": "nightly", "status": "active", "nodes": [node]}]
    )
    times = {"pipeline_id": "pl_1", "cron_expression": "0 3 * * *", "timezone": "UTC"}
    run = {**times, "next_run_at": "2030-01-02T03:00:00Z"}
    odd = {**times, "next_run_at": "hunter2"}
    setup.service.seed_objects(
        schedules=[
            {"id": "sch_1", "enabled": True, **run},
            {"id": "sch_2", "enabled": False, **run},
            {"id": "sch_3", "enabled": True, **odd},
        ]
    )
    graph = build_usage_graph(begin().service, frozenset({"conn_1"}), linked=True)
    users = (UsageNode("2030-01-02T03:00:00Z", "sch_1"), UsageNode("", "sch_3"))
    assert isinstance(graph, UsageGraph)
    assert (graph.schedules_by_pipeline, graph.schedules) == ({"pl_1": users}, {"conn_1": users})
    assert graph.pipelines == {"conn_1": (UsageNode("nightly", "pl_1"),)}
