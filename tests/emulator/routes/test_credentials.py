"""The endpoints below /api/credentials."""

import hashlib

import pytest

GENERIC = "/api/credentials"


def _digest(value):
    return hashlib.sha256(b"s" + value.encode()).hexdigest()


def test_create_answers_without_secrets_and_keeps_them(api, canary):
    """A new credential is returned without its password, which is stored."""
    secret = canary()
    answer = api.post(
        GENERIC,
        {
            "name": "prod-db",
            "type": "database",
            "config": {"host": "db.example", "port": 5432, "password": secret},
        },
    )
    view = answer.json()["data"]
    assert answer.status_code == 201
    assert view["config"] == {"host": "db.example", "port": 5432}
    assert view["status"] == "active"
    assert set(view) == {"id", "name", "type", "status", "created_at", "updated_at", "config"}
    assert api.held("prod-db")["secrets"] == {"password": _digest(secret)}
    canary.record("answer", answer.text)


def test_list_and_get_show_metadata_only(api, canary):
    """Neither the list nor a single credential shows a secret."""
    identifier = api.credential(config={"host": "db.example", "password": canary()})
    listed, single = api.get(GENERIC), api.get(f"{GENERIC}/{identifier}")
    assert listed.json()["meta"] == {"page": {"limit": 50, "cursor": None}}
    assert listed.json()["data"][0]["created_by"].startswith("usr_")
    assert single.json()["data"]["config"] == {"host": "db.example"}
    canary.record("answers", listed.text + single.text)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a", "type": "database"}, "config"),
        ({"name": " ", "type": "database", "config": {}}, "name"),
        ({"name": 7, "type": "database", "config": {}}, "name"),
        ({"name": "a" * 256, "type": "database", "config": {}}, "name"),
        ({"name": "a", "type": "postgres", "config": {}}, "type"),
        ({"name": "a", "type": ["database"], "config": {}}, "type"),
        ({"name": "a", "type": "database", "config": []}, "config"),
    ],
)
def test_create_names_the_field_that_is_wrong(api, body, field):
    """An invalid body is rejected with 400, which names the field."""
    answer = api.post(GENERIC, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert field in [each["field"] for each in answer.json()["error"]["details"]]


def test_names_are_unique_among_the_active(api):
    """A second credential of the same name is refused until the first is deleted."""
    identifier = api.credential()
    taken = api.post(GENERIC, {"name": "prod-db", "type": "database", "config": {}})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "name_taken")
    assert api.delete(f"{GENERIC}/{identifier}").is_success
    assert api.credential() != identifier


def test_names_need_not_be_unique(start):
    """The settings can allow duplicate names, answer 400, or reserve the names of deleted credentials."""
    api = start(unique_names=False)
    assert api.credential() != api.credential()
    api = start(duplicate_status=400)
    api.credential()
    assert api.post(GENERIC, {"name": "prod-db", "type": "database", "config": {}}).status_code == 400
    api = start(delete_frees_name=False)
    api.delete(f"{GENERIC}/{api.credential()}")
    assert api.post(GENERIC, {"name": "prod-db", "type": "database", "config": {}}).status_code == 409


@pytest.mark.parametrize(
    ("how", "config", "secrets"),
    [
        ("merge", {"host": "new.example", "username": "app"}, {"password"}),
        ("replace", {"host": "new.example"}, set()),
        ("wipe", {"host": "new.example", "username": "app"}, set()),
        ("whole", {"host": "new.example"}, set()),
        ("ignore", {"host": "db.example", "username": "app"}, {"password"}),
    ],
)
def test_put_of_settings(start, canary, how, config, secrets):
    """The setting `credential_put` selects: merge, replace, wipe unsent secrets, or ignore."""
    api = start(credential_put=how)
    identifier = api.credential(config={"host": "db.example", "username": "app", "password": canary()})
    answer = api.put(f"{GENERIC}/{identifier}", {"config": {"host": "new.example"}})
    assert answer.status_code == 200
    held = api.held("prod-db")
    assert held["config"] == config
    assert set(held["secrets"]) == secrets


def test_put_changes_only_what_it_sends(api, canary):
    """A rename changes neither settings nor secrets, and changes updated_at."""
    identifier = api.credential(config={"host": "db.example", "password": canary()})
    before = api.held("prod-db")
    answer = api.put(f"{GENERIC}/{identifier}", {"name": "prod-db-2"})
    after = api.held("prod-db-2")
    assert answer.json()["data"]["name"] == "prod-db-2"
    assert (after["config"], after["secrets"]) == (before["config"], before["secrets"])
    assert after["updatedAt"] > before["updatedAt"]


def test_where_a_put_takes_wholes_a_mere_name_is_all_that_is_left(start, canary):
    """With the mode `whole`, unsent settings and secrets are removed."""
    api = start(credential_put="whole")
    identifier = api.credential(config={"host": "db.example", "password": canary()})
    assert api.put(f"{GENERIC}/{identifier}", {"name": "prod-db-2"}).status_code == 200
    held = api.held("prod-db-2")
    assert (held["config"], held["secrets"]) == ({}, {})


def test_updated_at_rises_with_every_write(api):
    """Two writes within one second have different times."""
    identifier = api.credential()
    api.emulator.set_clock(hold=1_900_000_000)
    times = [
        api.put(f"{GENERIC}/{identifier}", {"config": {"port": port}}).json()["data"]["updated_at"]
        for port in range(5)
    ]
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"type": "aws"}, 400),
        ({"type": "database"}, 200),
        ({"type": None}, 400),
        ({"config": 7}, 400),
        ({"name": ""}, 400),
        ({"name": "taken"}, 409),
        ({}, 200),
    ],
)
def test_put_refuses_what_cannot_be(api, change, status):
    """The type cannot change, and a change has the checks of a creation."""
    api.credential(name="taken")
    identifier = api.credential()
    assert api.put(f"{GENERIC}/{identifier}", change).status_code == status


@pytest.mark.parametrize(("deletes", "left"), [(True, {"host"}), (False, {"host", "username"})])
def test_null_may_remove_a_setting(start, deletes, left):
    """A null in a PUT removes the key only with the setting `null_deletes`."""
    api = start(null_deletes=deletes)
    identifier = api.credential()
    api.put(f"{GENERIC}/{identifier}", {"config": {"username": None, "absent": None}})
    assert set(api.held("prod-db")["config"]) == left


def test_consent_outlives_a_replacing_put(start, canary):
    """A PUT keeps the values that consent added to an oauth credential, in each mode."""
    api = start(credential_put="replace")
    identifier = api.credential(
        name="crm", type="oauth", config={"client_id": "c", "client_secret": canary()}
    )
    api.emulator.perform_ui_action("authorize", id=identifier)
    api.put(f"{GENERIC}/{identifier}", {"config": {"client_id": "c", "client_secret": canary()}})
    assert set(api.held("crm")["secrets"]) == {"client_secret", "refresh_token"}


def test_delete_is_soft(api):
    """A deleted credential leaves the list, shows its status by id, and takes no change."""
    identifier = api.credential()
    gone = api.delete(f"{GENERIC}/{identifier}").json()["data"]
    assert (gone["status"], set(gone)) == ("deleted", {"id", "status", "deleted_at"})
    assert api.get(GENERIC).json()["data"] == []
    assert api.get(f"{GENERIC}/{identifier}").json()["data"]["status"] == "deleted"
    assert api.put(f"{GENERIC}/{identifier}", {"name": "x"}).status_code == 409
    assert api.delete(f"{GENERIC}/{identifier}").json()["data"] == gone


def test_delete_does_not_ask_who_uses_it(api):
    """A credential in use can be deleted."""
    identifier = api.credential()
    api.connection(credentialId=identifier)
    assert api.delete(f"{GENERIC}/{identifier}").status_code == 200


def test_deleted_ones_may_be_listed_or_absent(start):
    """The settings can list deleted credentials and can answer 404 for them."""
    api = start(list_deleted=True, deleted_get=404)
    identifier = api.credential()
    api.delete(f"{GENERIC}/{identifier}")
    assert [each["status"] for each in api.get(GENERIC).json()["data"]] == ["deleted"]
    assert api.get(f"{GENERIC}/{identifier}").status_code == 404


def test_restore_brings_back_settings_and_secrets(api, canary):
    """A restored credential has its old secret."""
    identifier = api.credential(config={"host": "db.example", "password": canary()})
    before = api.held("prod-db")
    api.delete(f"{GENERIC}/{identifier}")
    back = api.post(f"{GENERIC}/{identifier}/restore")
    assert back.json() == {"data": {"id": identifier, "status": "active", "deleted_at": None}}
    assert api.held("prod-db")["secrets"] == before["secrets"]
    assert api.post(f"{GENERIC}/{identifier}/restore").status_code == 200


def test_restore_is_refused_while_the_name_is_taken(api):
    """A credential cannot be restored if another one has its name."""
    identifier = api.credential()
    api.delete(f"{GENERIC}/{identifier}")
    api.credential()
    assert api.post(f"{GENERIC}/{identifier}/restore").status_code == 409


def test_purge_is_final(api):
    """A purged credential cannot be read, changed or restored."""
    identifier = api.credential()
    assert api.delete(f"{GENERIC}/{identifier}/permanent").json() == {
        "data": {"id": identifier, "purged": True}
    }
    assert api.get(f"{GENERIC}/{identifier}").status_code == 404
    assert api.put(f"{GENERIC}/{identifier}", {}).status_code == 404
    assert api.post(f"{GENERIC}/{identifier}/restore").status_code == 404


def test_purge_may_need_the_trash(start):
    """The setting `purge_needs_trash` allows the purge of deleted credentials only."""
    api = start(purge_needs_trash=True)
    identifier = api.credential()
    assert api.delete(f"{GENERIC}/{identifier}/permanent").status_code == 409
    api.delete(f"{GENERIC}/{identifier}")
    assert api.delete(f"{GENERIC}/{identifier}/permanent").status_code == 200


@pytest.mark.parametrize(("status", "body"), [(200, True), (202, True), (204, False)])
def test_delete_may_answer_with_other_statuses(start, status, body):
    """A deletion answers 200 or 202 with a body, or 204 without one."""
    api = start(delete_status=status)
    answer = api.delete(f"{GENERIC}/{api.credential()}")
    assert (answer.status_code, bool(answer.content)) == (status, body)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_create_may_answer_with_other_statuses(start, status):
    """A creation answers 200, 201 or 202."""
    api = start(create_status=status)
    assert api.post(GENERIC, {"name": "a", "type": "aws", "config": {}}).status_code == status


def test_other_organizations_see_nothing(api):
    """The id of another organization's credential is 404, and its name is free."""
    identifier = api.credential()
    api.emulator.accept_key("other", organization="org_other")
    api.client.headers["Authorization"] = "Bearer other"
    assert api.get(f"{GENERIC}/{identifier}").status_code == 404
    assert api.delete(f"{GENERIC}/{identifier}").status_code == 404
    assert api.get(GENERIC).json()["data"] == []
    assert api.credential() != identifier


@pytest.mark.parametrize("status", [200, 403, 404])
def test_rights_may_hide_a_credential(start, status):
    """A hidden object is not listed; the setting `hidden_get` selects the response to its id."""
    api = start(hidden_get=status)
    identifier = api.credential()
    api.credential(name="other")
    api.emulator.change_settings(hidden=["prod-db"])
    assert [each["name"] for each in api.get(GENERIC).json()["data"]] == ["other"]
    assert api.get(f"{GENERIC}/{identifier}").status_code == status
