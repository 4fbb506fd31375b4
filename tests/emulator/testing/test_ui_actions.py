"""What people do in the UI."""

import pytest

from planasonix_emulator.testing.control_client import ControlError


def test_an_edit_merges_and_removes(api, canary):
    """An edit changes what it names, null removes, and the time of the last change moves."""
    api.credential(config={"host": "db.example", "username": "app", "password": canary()})
    before = api.held("prod-db")
    edited = api.emulator.edit_in_ui(
        "credentials", "prod-db", name="renamed", config={"host": "x", "username": None}
    )
    after = api.held("renamed")
    assert edited["config"] == after["config"] == {"host": "x"}
    assert after["secrets"] == before["secrets"]
    assert after["updatedAt"] > before["updatedAt"]


def test_an_edit_may_repoint_a_connection(api):
    """A connection can be given another credential, or none."""
    first = api.credential()
    api.connection(credentialId=first)
    assert api.emulator.edit_in_ui("connections", "prod-pg", credentialId=None)["credentialId"] is None


def test_trash_restore_and_purge(api):
    """People delete, restore and purge as clients do."""
    identifier = api.credential()
    assert api.emulator.perform_ui_action("trash", id=identifier)["status"] == "deleted"
    assert api.emulator.perform_ui_action("restore", id=identifier)["status"] == "active"
    api.emulator.perform_ui_action("purge", id=identifier)
    assert api.get(f"/api/credentials/{identifier}").status_code == 404


@pytest.mark.parametrize(
    "what",
    [
        {"action": "edit", "id": "cred_nobody"},
        {"action": "edit", "name": "nobody"},
        {"action": "edit", "collection": "connections", "name": "prod-db"},
        {"action": "authorize", "name": "prod-db"},
        {"action": "sing", "name": "prod-db"},
        {"action": "edit"},
    ],
)
def test_what_cannot_be_done_is_refused(api, what):
    """An object that is not there, or an action that nobody knows, is an error."""
    api.credential()
    with pytest.raises(ControlError):
        api.emulator.perform_ui_action(**what)


def test_a_namesake_in_the_trash_does_not_hide_the_living(api):
    """By name, the active object is meant."""
    api.delete(f"/api/credentials/{api.credential()}")
    identifier = api.credential()
    assert api.emulator.edit_in_ui("credentials", "prod-db", config={"port": 1})["id"] == identifier


def test_objects_can_be_made(api, canary):
    """Seeded objects are as good as any, may have ids of their own, and may be in the trash already."""
    api.emulator.seed_objects(
        credentials=[
            {"id": "cred_a", "name": "a", "type": "database", "config": {"host": "h", "password": canary()}},
            {"name": "b", "type": "aws", "deleted": True},
        ],
        connections=[{"name": "c", "type": "postgres", "config": {"host": "h"}, "credentialId": "cred_a"}],
    )
    assert api.get("/api/credentials/cred_a").json()["data"]["config"] == {"host": "h"}
    assert [each["name"] for each in api.get("/api/credentials").json()["data"]] == ["a"]
    assert api.held("b")["status"] == "deleted"
    assert api.get("/api/connections").json()["data"][0]["credentialId"] == "cred_a"
