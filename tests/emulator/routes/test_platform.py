"""The endpoints for the organization, connectors, pipelines, schedules and syncs."""

import pytest

PIPELINES = [
    {"id": "pl_1", "name": "Orders", "status": "active", "projectId": "prj_1", "nodes": [{"id": "n1"}]},
    {"id": "pl_2", "name": "Leads", "status": "draft", "projectId": "prj_2"},
    {"id": "pl_3", "name": "Old", "status": "active", "deleted": True},
]
SCHEDULES = [
    {"id": f"sch_{n}", "pipeline_id": f"pl_{n % 2}", "enabled": n != 1, "cron_expression": "0 * * * *"}
    for n in range(3)
]
SYNCS = [{"id": "retl_sync_1", "name": "crm", "destination_id": "conn_1"}]


@pytest.fixture
def seeded(start):
    """Start an emulator with pipelines, schedules and syncs."""

    def begin(**options):
        api = start(**options)
        api.emulator.seed_objects(pipelines=PIPELINES, schedules=SCHEDULES, syncs=SYNCS)
        return api

    return begin


def test_the_organization_is_the_keys_own(start):
    """The endpoints of the organization answer for the organization of the key."""
    api = start(organization="org_acme", plan="premium", max_connections=7)
    data = api.get("/api/organization").json()["data"]
    assert (data["id"], data["slug"], data["plan"]) == ("org_acme", "acme", "premium")
    assert api.get("/api/features/limits").json()["data"]["max_connections"] == 7
    assert api.get("/api/tier").json()["data"]["tier"] == "premium"
    assert api.get("/api/user/profile").json()["data"]["organization_id"] == "org_acme"
    assert "credentials" in api.get("/api/features").json()["data"]["features"]


def test_keys_are_listed_without_any_part_of_them(api):
    """The list of API keys shows names and scopes of the organization's keys."""
    api.emulator.accept_key("elsewhere", organization="org_other")
    answer = api.get("/api/user/api-keys")
    assert len(answer.json()["data"]) == 1
    assert api.emulator.key not in answer.text


def test_the_gallery_lists_connectors(api):
    """Every connector has an id, a name, a category and a description."""
    connectors = api.get("/api/connector-gallery").json()["connectors"]
    assert {"postgres", "snowflake", "s3", "salesforce", "bigquery"} <= {each["id"] for each in connectors}
    assert all(set(each) == {"id", "name", "category", "description"} for each in connectors)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["pl_1", "pl_2"]),
        ({"search": "ORD"}, ["pl_1"]),
        ({"status": "draft"}, ["pl_2"]),
        ({"projectId": "prj_1"}, ["pl_1"]),
        ({"folderId": "x"}, []),
    ],
)
def test_pipelines_are_listed_without_nodes(seeded, query, found):
    """The list has filters, omits deleted pipelines, and shows no nodes."""
    listed = seeded().get("/api/pipelines", **query).json()
    assert [each["id"] for each in listed["data"]] == found
    assert listed["meta"]["total"] == len(found)
    assert all("nodes" not in each for each in listed["data"])


def test_one_pipeline_has_its_nodes(seeded):
    """A single pipeline shows its graph."""
    api = seeded()
    assert api.get("/api/pipelines/pl_1").json()["nodes"] == [{"id": "n1"}]
    assert api.get("/api/pipelines/pl_2").json()["edges"] == []
    assert api.get("/api/pipelines/pl_9").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["sch_0", "sch_1", "sch_2"]),
        ({"pipeline_id": "pl_0"}, ["sch_0", "sch_2"]),
        ({"enabled": "true"}, ["sch_0", "sch_2"]),
        ({"enabled": "false"}, ["sch_1"]),
    ],
)
def test_schedules_are_resources(seeded, query, found):
    """Schedules are resources with attributes, and filter."""
    listed = seeded().get("/api/schedules", **query).json()
    assert [each["id"] for each in listed["data"]] == found
    assert all("cron_expression" in each["attributes"] for each in listed["data"])


def test_schedules_have_pages(seeded):
    """The cursor leads through the schedules."""
    api = seeded()
    first = api.get("/api/schedules", limit=2).json()
    second = api.get("/api/schedules", limit=2, cursor=first["meta"]["page"]["cursor"]).json()
    assert [each["id"] for each in first["data"] + second["data"]] == ["sch_0", "sch_1", "sch_2"]
    assert second["meta"]["page"]["cursor"] is None
    assert api.get("/api/schedules", cursor="zzzz").status_code == 400


def test_schedules_of_the_backend_are_flat(seeded):
    """The vendor's client reads schedules flat and in camelCase."""
    api = seeded(dialect="backend")
    assert api.get("/api/schedules").json()["data"][0]["cronExpression"] == "0 * * * *"
    assert api.get("/api/schedules/sch_0").json()["pipelineId"] == "pl_0"


def test_single_schedules_and_syncs(seeded):
    """A schedule or a sync is returned by its id, or 404."""
    api = seeded()
    assert api.get("/api/schedules/sch_1").json()["data"]["attributes"]["enabled"] is False
    assert api.get("/api/reverse-etl/syncs/retl_sync_1").json()["data"]["attributes"]["name"] == "crm"
    assert api.get("/api/reverse-etl/syncs/x").status_code == 404


def test_syncs_name_their_destination(seeded):
    """Syncs filter by the connection that they write to; destinations are connections."""
    api = seeded()
    assert len(api.get("/api/reverse-etl/syncs", destination_id="conn_1").json()["data"]) == 1
    assert api.get("/api/reverse-etl/syncs", destination_id="conn_2").json()["data"] == []
    identifier = api.connection()
    (destination,) = api.get("/api/reverse-etl/destinations").json()["data"]
    assert (destination["id"], destination["attributes"]["status"]) == (identifier, "connected")
