"""Connection tests."""

import pytest

TEST = "/api/connections/test"


def _try(api, **fields):
    body = {"type": "s3", "config": {"bucket": "landing"}}
    return api.post(TEST, body | fields)


def test_stored_secrets_are_tried(api, canary):
    """A test with a credential id uses the stored secret, also after a rotation."""
    right, wrong = canary(), canary()
    api.emulator.set_targets(
        [{"type": "s3", "match": {"bucket": "landing"}, "accepts": {"secret_access_key": right}}]
    )
    identifier = api.credential(name="aws", type="aws", config={"secret_access_key": wrong})
    refused = _try(api, credentialId=identifier)
    assert refused.status_code == 200
    assert refused.json() == {
        "ok": False,
        "latencyMs": 12,
        "serverVersion": None,
        "message": "403 SignatureDoesNotMatch",
    }
    api.put(f"/api/credentials/{identifier}", {"config": {"secret_access_key": right}})
    assert _try(api, credentialId=identifier).json()["ok"] is True
    canary.record("answer", refused.text)


def test_settings_of_the_credential_stand_in(api):
    """The credential supplies settings that the connection lacks."""
    api.emulator.set_targets([{"type": "postgres", "match": {"host": "db.example"}, "outcome": "network"}])
    identifier = api.credential(config={"host": "db.example"})
    assert (
        _try(api, type="postgres", config={}, credentialId=identifier)
        .json()["message"]
        .startswith("connect timeout")
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "no_such"}, "type"),
        ({"type": 7}, "type"),
        ({"config": None}, "config"),
        ({"config": 7}, "config"),
        ({"credentialId": "cred_nobody"}, "credentialId"),
        ({"credentialId": 7}, "credentialId"),
    ],
)
def test_a_test_that_cannot_run_is_refused(api, change, field):
    """An invalid body is 400 and not a failed test."""
    answer = _try(api, **change)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


@pytest.mark.parametrize(
    ("unknown", "ok", "message"),
    [
        ("ok", True, "Connection successful"),
        ("fail", False, "login failed"),
        ("network", False, "connect timeout"),
    ],
)
def test_targets_that_nobody_described(start, unknown, ok, message):
    """The setting `unknown_target` selects the result for an unknown target."""
    answer = _try(start(unknown_target=unknown)).json()
    assert answer["ok"] is ok
    assert answer["message"].startswith(message)


@pytest.mark.parametrize(
    ("kind", "config", "ok"),
    [
        ("aws", {"secret_access_key": "k"}, True),
        ("aws", {"role_arn": "arn:x"}, True),
        ("aws", {"access_key_id": "k"}, False),
        ("aws", {"secret_access_key": ""}, False),
        ("azure", {"client_secret": "k"}, True),
        ("azure", {}, False),
        ("gcp", {"service_account_json": "{}"}, True),
        ("database", {"username": "u"}, False),
        ("database", {"password": "k"}, True),
        ("api_key", {}, False),
        ("api_key", {"headers": {}}, False),
        ("api_key", {"key_tenant": "k"}, True),
        ("password", {"password": "k"}, True),
    ],
)
def test_a_credential_without_its_secret_fails(api, kind, config, ok):
    """Without a matching target, a login succeeds with a complete credential only."""
    identifier = api.credential(name="c", type=kind, config=config)
    assert _try(api, credentialId=identifier).json()["ok"] is ok


def test_a_deleted_credential_fails(api):
    """A test with a deleted credential fails."""
    identifier = api.credential(config={"password": "p"})
    api.delete(f"/api/credentials/{identifier}")
    assert _try(api, credentialId=identifier).json()["ok"] is False


def test_oauth_needs_consent(api):
    """A test of an oauth credential fails until it is authorized."""
    identifier = api.credential(name="crm", type="oauth", config={"client_id": "c", "client_secret": "s"})
    assert "authorize" in _try(api, type="salesforce", credentialId=identifier).json()["message"]
    api.emulator.perform_ui_action("authorize", id=identifier)
    assert _try(api, type="salesforce", credentialId=identifier).json()["ok"] is True


def test_consent_may_not_be_needed(start):
    """The setting `oauth_needs_consent` can let oauth credentials work without consent."""
    api = start(oauth_needs_consent=False)
    identifier = api.credential(name="crm", type="oauth", config={"client_secret": "s"})
    assert _try(api, type="salesforce", credentialId=identifier).json()["ok"] is True


@pytest.mark.parametrize("status", [400, 422, 502])
def test_a_failed_test_may_be_an_error(start, status):
    """The setting `test_failure_status` selects the status of a failed test."""
    answer = _try(start(unknown_target="fail", test_failure_status=status))
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == "login failed"


def test_a_verdict_may_be_missing(start):
    """The setting `test_reply` can omit the result of a test."""
    assert "ok" not in _try(start(test_reply="verdictless")).json()
    backend = start(test_reply="verdictless", dialect="backend")
    assert set(backend.post(TEST, {"type": "s3", "params": {}}).json()) == {"message"}
