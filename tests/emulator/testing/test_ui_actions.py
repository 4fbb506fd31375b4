"""Changes by users in the UI."""

import pytest

from planasonix_emulator.testing.control_client import ControlError


def test_an_edit_merges_and_removes(api, canary):
    """An edit merges its values, null removes a value, and updated_at changes."""
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
    """An edit can set or remove the credential of a connection."""
    first = api.credential()
    api.connection(credentialId=first)
    assert api.emulator.edit_in_ui("connections", "prod-pg", credentialId=None)["credentialId"] is None


def test_trash_restore_and_purge(api):
    """Users can delete, restore and purge objects."""
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
    """An unknown object and an unknown action are errors."""
    api.credential()
    with pytest.raises(ControlError):
        api.emulator.perform_ui_action(**what)


def test_a_deleted_object_with_the_same_name_is_not_selected(api):
    """A name selects the active object."""
    api.delete(f"/api/credentials/{api.credential()}")
    identifier = api.credential()
    assert api.emulator.edit_in_ui("credentials", "prod-db", config={"port": 1})["id"] == identifier


def test_objects_can_be_made(api, canary):
    """Seeded objects are normal objects, can have their own ids, and can be deleted ones."""
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
