"""The endpoints below /api/connections."""

import pytest

BASE = "/api/connections"


def test_create_and_get_are_bare_and_camel_case(api):
    """A single connection has no envelope; a new one has the creation time, others the update time."""
    credential = api.credential()
    body = {
        "name": "prod-pg",
        "type": "postgres",
        "config": {"host": "db.example"},
        "credentialId": credential,
    }
    made = api.post(BASE, body)
    assert made.status_code == 201
    assert made.json().items() >= body.items()
    assert set(made.json()) == {*body, "id", "createdAt"}
    assert set(api.get(f"{BASE}/{made.json()['id']}").json()) == {*body, "id", "updatedAt"}


def test_list_has_no_settings(api):
    """The list has a total and shows all fields but the configuration."""
    identifier = api.connection()
    listed = api.get(BASE).json()
    assert listed["meta"] == {"total": 1}
    assert set(listed["data"][0]) == {"id", "name", "type", "credentialId", "createdAt", "updatedAt"}
    assert listed["data"][0]["id"] == identifier


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"type": "s3"}, ["Prod-Landing"]),
        ({"search": "LANDING"}, ["Prod-Landing"]),
        ({"search": "prod"}, ["prod-pg", "Prod-Landing"]),
        ({"search": "prod", "type": "postgres"}, ["prod-pg"]),
        ({"search": "%"}, []),
        ({"type": "Postgres"}, []),
    ],
)
def test_list_filters_by_type_and_part_of_the_name(api, query, names):
    """The type filter is exact; the search matches a part of the name in any case."""
    api.connection()
    api.connection(name="Prod-Landing", type="s3", config={"bucket": "landing"})
    listed = api.get(BASE, **query).json()
    assert [each["name"] for each in listed["data"]] == names
    assert listed["meta"]["total"] == len(names)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"config": None}, "config"),
        ({"type": "no_such_thing"}, "type"),
        ({"type": 7}, "type"),
        ({"config": {"port": 5432}}, "config.host"),
        ({"credentialId": "cred_unknown"}, "credentialId"),
        ({"credentialId": 7}, "credentialId"),
        ({"category": 7}, "category"),
    ],
)
def test_create_names_the_field_that_is_wrong(api, change, field):
    """An invalid connection is rejected with 400, which names the field."""
    body = {"name": "prod-pg", "type": "postgres", "config": {"host": "db.example"}} | change
    answer = api.post(BASE, body)
    assert answer.status_code == 400
    assert field in [each["field"] for each in answer.json()["error"]["details"]]


def test_the_host_may_stand_in_the_credential(api):
    """The credential can contain a setting that the connector requires."""
    identifier = api.credential(config={"host": "db.example"})
    assert api.connection(config={"port": 5432}, credentialId=identifier)


def test_checks_can_be_switched_off(start):
    """The settings can disable the checks of type, required settings and credential id."""
    api = start(accept_unknown_type=True, check_required=False, check_credential=False)
    assert api.connection(type="mainframe", config={}, credentialId="cred_nobody")


def test_a_deleted_credential_cannot_be_attached(api):
    """A connection cannot be given a deleted credential, but it keeps one that was deleted later."""
    credential = api.credential()
    identifier = api.connection(credentialId=credential)
    api.delete(f"/api/credentials/{credential}")
    body = {"name": "x", "type": "postgres", "config": {"host": "h"}, "credentialId": credential}
    assert api.post(BASE, body).status_code == 400
    assert api.put(f"{BASE}/{identifier}", {"credentialId": credential}).status_code == 200
    assert api.put(f"{BASE}/{identifier}", {"credentialId": None}).json()["credentialId"] is None
    assert api.put(f"{BASE}/{identifier}", {"credentialId": credential}).status_code == 400


@pytest.mark.parametrize(
    ("how", "left"),
    [
        ("replace", {"host": "new.example"}),
        ("merge", {"host": "new.example", "port": 5432}),
        ("whole", {"host": "new.example"}),
        ("ignore", {"host": "db.example", "port": 5432}),
    ],
)
def test_put_of_settings(start, how, left):
    """The setting `connection_put` selects whether a PUT replaces, merges or is ignored."""
    api = start(connection_put=how)
    identifier = api.connection()
    answer = api.put(f"{BASE}/{identifier}", {"config": {"host": "new.example"}})
    assert answer.json()["config"] == left


def test_put_changes_only_what_it_sends(api):
    """A rename changes neither settings nor credential."""
    credential = api.credential()
    identifier = api.connection(credentialId=credential)
    before = api.get(f"{BASE}/{identifier}").json()
    after = api.put(f"{BASE}/{identifier}", {"name": "prod-pg-2"}).json()
    assert after.pop("updatedAt") > before.pop("updatedAt")
    assert after == before | {"name": "prod-pg-2"}


def test_put_whole_removes_what_is_not_sent(start):
    """With the mode `whole`, a PUT of the name removes settings and credential unless they are required."""
    api = start(connection_put="whole")
    assert api.put(f"{BASE}/{api.connection()}", {"name": "prod-pg-2"}).status_code == 400
    api = start(connection_put="whole", check_required=False)
    identifier = api.connection(credentialId=api.credential())
    assert api.put(f"{BASE}/{identifier}", {"name": "prod-pg-2"}).status_code == 200
    left = api.get(f"{BASE}/{identifier}").json()
    assert (left["config"], left.get("credentialId")) == ({}, None)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"type": "s3"}, 400),
        ({"type": "postgres"}, 200),
        ({"name": "taken"}, 409),
        ({"config": {"port": 1}}, 400),
        ({"config": "x"}, 400),
        ({"credentialId": "cred_unknown"}, 400),
    ],
)
def test_put_refuses_what_cannot_be(api, change, status):
    """The type cannot change, and a change has the checks of a creation."""
    api.connection(name="taken")
    assert api.put(f"{BASE}/{api.connection()}", change).status_code == status


@pytest.mark.parametrize(
    ("pipeline", "status"),
    [
        ({"status": "active"}, 409),
        ({"status": "draft"}, 409),
        ({"status": "archived"}, 409),
        ({"status": "deleted"}, 200),
        ({"status": "active", "deleted": True}, 200),
    ],
)
def test_delete_is_refused_while_a_pipeline_uses_it(api, pipeline, status):
    """A connection cannot be deleted while a pipeline uses it."""
    identifier = api.connection()
    node = {"id": "n1", "type": "source.postgres", "config": {"connectionId": identifier}}
    api.emulator.seed_objects(pipelines=[{"id": "pl_1", "name": "orders", "nodes": [node]} | pipeline])
    answer = api.delete(f"{BASE}/{identifier}")
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["error"]["details"] == [{"field": "pipeline", "issue": "pl_1"}]
        assert api.get(f"{BASE}/{identifier}").status_code == 200


def test_delete_leaves_nothing(api):
    """A deleted connection is not found, and its name is free."""
    identifier = api.connection()
    gone = api.delete(f"{BASE}/{identifier}").json()
    assert (gone["ok"], gone["id"]) == (True, identifier)
    assert gone["deletedAt"].endswith("Z")
    assert api.get(f"{BASE}/{identifier}").status_code == 404
    assert api.delete(f"{BASE}/{identifier}").status_code == 404
    assert api.connection() != identifier


def test_a_secret_in_the_settings_is_not_shown(api, canary):
    """A secret in the settings of a connection is stored and not shown."""
    secret = canary()
    config = {"host": "db.example", "auth": {"clientSecret": secret, "clientId": "c"}, "tokenUrl": "u"}
    identifier = api.connection(config=config)
    answer = api.get(f"{BASE}/{identifier}")
    assert answer.json()["config"] == {"host": "db.example", "auth": {"clientId": "c"}, "tokenUrl": "u"}
    assert set(api.held("prod-pg")["secrets"]) == {"auth.clientSecret"}
    canary.record("answer", answer.text)
