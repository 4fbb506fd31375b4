"""Decoding of all known response formats; any other format is an error."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.decode import decode_record, decode_rows, decode_single, encode_config, read_either_case
from keyturn.client.records import BACKEND_ENCODING, DOCUMENTED_ENCODING, ConfigEncoding
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.secret import Secret

FLAT = {"id": "conn_1", "name": "prod-db", "type": "postgres"}
TIMES = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"}
CAMEL_TIMES = {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("tree", "meta"),
    [
        ([FLAT], {}),
        ({"data": [FLAT], "meta": {"total": 1}}, {"total": 1}),
        (
            {"data": [FLAT], "meta": {"page": {"limit": 50, "cursor": None}}},
            {"page": {"limit": 50, "cursor": None}},
        ),
        ({"connections": [FLAT], "total": 1}, {"total": 1}),
        ({"data": {"connections": [FLAT]}}, {}),
        ({"items": [FLAT]}, {}),
        ({"results": [FLAT]}, {}),
        (
            {
                "data": [
                    {
                        "id": "conn_1",
                        "type": "connection",
                        "attributes": {"name": "prod-db", "type": "postgres"},
                    }
                ]
            },
            {},
        ),
    ],
)
def test_lists_in_every_format(tree, meta):
    """Bare, wrapped, under the name of the collection, with attributes: the same list."""
    (row,), found = decode_rows(tree, "connections")
    assert (decode_single(row), found) == (FLAT, meta)


@pytest.mark.parametrize(
    "tree",
    [
        None,
        {},
        {"data": None},
        {"data": {}},
        {"data": "none"},
        {"data": {"id": "conn_1"}},
        {"connectors": []},
        {"error": {"code": "oops"}},
        {"data": [], "connections": []},
        {"data": [FLAT], "items": []},
        "[]",
        0,
    ],
)
def test_a_missing_list_is_an_error(tree):
    """It is never an empty list."""
    with pytest.raises(ResponseFormatError):
        decode_rows(tree, "connections")


@pytest.mark.parametrize("tree", [[], {"data": []}, {"connections": []}, {"data": {"connections": []}}])
def test_empty_lists_in_every_format(tree):
    """An empty list is valid in every format."""
    assert decode_rows(tree, "connections")[0] == ()


@pytest.mark.parametrize(
    "tree",
    [
        FLAT,
        {"data": FLAT},
        {
            "data": {
                "id": "conn_1",
                "type": "connections",
                "attributes": {"name": "prod-db", "type": "postgres"},
            }
        },
        {"data": {"id": "conn_1", "attributes": {"name": "prod-db", "type": "postgres"}}},
        {"id": "conn_1", "type": "postgres", "attributes": {"name": "prod-db"}},
        {"data": {"id": "conn_1", "name": "prod-db", "attributes": {"name": "prod-db", "type": "postgres"}}},
    ],
)
def test_objects_in_every_format(tree):
    """Flat, under data, under attributes: the same object."""
    assert decode_single(tree) == FLAT


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        "x",
        {"data": []},
        {"data": {"id": "a", "name": "x", "attributes": {"name": "y"}}},
        {"id": "a", "type": ["x"], "attributes": {"name": "y"}},
        {"id": "a", "type": {}, "attributes": {"name": "y"}},
    ],
)
def test_a_missing_object_is_an_error(tree):
    """A list, and an object with two names, are errors."""
    with pytest.raises(ResponseFormatError):
        decode_record(decode_single(tree))


@pytest.mark.parametrize("times", [TIMES, CAMEL_TIMES, TIMES | CAMEL_TIMES])
@pytest.mark.parametrize("key", ["credential_id", "credentialId", "credential_ref", "credentialRef"])
def test_both_cases_are_decoded(times, key):
    """snake_case and camelCase are equal, and may both occur with equal values."""
    found = decode_record({**FLAT, **times, key: "cred_1"})
    assert (found.created_at, found.updated_at) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert found.credential_id == "cred_1"
    assert found.extra == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"updated_at": "a", "updatedAt": "b"},
        {"credential_id": "a", "credentialId": "b"},
        {"credential_id": "a", "credentialId": None},
        {"config": {"host": "a"}, "params": {"host": "b"}},
        {"config": {}, "parameters": {"host": "a"}},
        {"config": "host=a"},
        {"config": []},
        {"name": 5},
        {"name": ""},
        {"name": None},
        {"id": ""},
        {"id": None},
        {"id": True},
        {"id": 1.5},
        {"id": {}},
        {"type": ["postgres"]},
        {"status": 1},
        {"credentialId": ["cred_1"]},
        {"credentialId": {"id": "cred_1"}},
    ],
)
def test_contradictory_and_invalid_fields_are_errors(fields):
    """Two keys that differ, invalid settings, an object without ID or name."""
    with pytest.raises(ResponseFormatError):
        decode_record({**FLAT, **fields})


@pytest.mark.parametrize("fields", [{"config": {"host": "a"}, "params": None}, {"params": None}])
def test_null_settings_are_ignored(fields):
    """In any order, next to other keys."""
    for order in (fields, dict(reversed(fields.items()))):
        found = decode_record({"id": "c1", "name": "x", **order})
        assert found.config == fields.get("config")
        assert found.extra == {}


def test_the_documented_key_has_precedence():
    """Settings are written under the first known key, whatever the order in the response."""
    for fields in ({"params": {}, "config": {}}, {"config": {}, "params": {}}):
        assert decode_record({"id": "c1", "name": "x", **fields}).config_encoding == DOCUMENTED_ENCODING


@pytest.mark.parametrize(
    ("fields", "credential"),
    [({}, None), ({"credentialId": None}, ""), ({"credentialId": ""}, ""), ({"credentialId": 7}, "7")],
)
def test_a_null_credential_differs_from_a_missing_field(fields, credential):
    """A missing field is None, null is empty."""
    assert decode_record({**FLAT, **fields}).credential_id == credential


@pytest.mark.parametrize(
    ("key", "encoding"),
    [
        ("config", DOCUMENTED_ENCODING),
        ("params", BACKEND_ENCODING),
        ("parameters", ConfigEncoding("parameters")),
    ],
)
def test_settings_under_each_key(key, encoding):
    """The key is remembered as the encoding."""
    found = decode_record(
        {**FLAT, key: {"host": "db", "port": 5432, "ratio": 1.5, "deep": {"list": [1, "a"]}}}
    )
    assert found.config == {"host": "db", "port": 5432, "ratio": 1.5, "deep": {"list": [1, "a"]}}
    assert type(found.config["port"]) is int
    assert found.config_encoding == encoding


def test_missing_settings_differ_from_empty_settings():
    """An item of a list has none."""
    assert decode_record(FLAT).config is None
    assert decode_record({**FLAT, "config": None}).config is None
    assert decode_record({**FLAT, "config": {}}).config == {}
    assert decode_record({**FLAT, "config": None, "params": {"a": "b"}}).config == {"a": "b"}


def test_unknown_fields_are_kept():
    """They are in ``extra``, unchanged."""
    extra = {"category": "source", "future": {"a": [1, None]}, "ok": True}
    assert decode_record({**FLAT, **extra}).extra == extra


def test_a_partial_object_needs_no_name():
    """A response to a write may have only the ID."""
    assert decode_record({"id": "conn_1"}, partial=True).name == ""
    with pytest.raises(ResponseFormatError):
        decode_record({"id": "conn_1"})


def test_an_id_may_be_a_number():
    """IDs are opaque text."""
    assert decode_record({**FLAT, "id": 17}).id == "17"


@pytest.mark.parametrize(
    ("config", "kept", "hidden"),
    [
        ({"host": "db", "password": "********"}, {"host": "db"}, {("config", "password"): False}),
        ({"host": "••••"}, {}, {("config", "host"): False}),
        ({"api_key": "<redacted>"}, {}, {("config", "api_key"): False}),
        ({"password": "hunter2222"}, {}, {("config", "password"): True}),
        ({"url": "postgres://u:pw@db/x"}, {}, {("config", "url"): True}),
        (
            {"tls": {"private_key": "abc", "mode": "on"}},
            {"tls": {"mode": "on"}},
            {("config", "tls", "private_key"): True},
        ),
        (
            {"hosts": [{"name": "a", "token": "t0ken"}, {"name": "b"}]},
            {"hosts": [{"name": "a"}, {"name": "b"}]},
            {("config", "hosts", "0", "token"): True},
        ),
        ({"token": {"value": "abc"}, "a": {}}, {"a": {}}, {("config", "token"): True}),
        ({"secrets": [{"value": "abc"}]}, {}, {("config", "secrets"): True}),
        ({"password": None, "token": ""}, {"password": None, "token": ""}, {}),
        (
            {"token_url": "https://x", "access_key_id": "AKIA"},
            {"token_url": "https://x", "access_key_id": "AKIA"},
            {},
        ),
    ],
)
def test_masks_and_leaks_are_removed_and_reported(config, kept, hidden):
    """Hidden paths say whether the value was a mask or a secret."""
    found = decode_record({**FLAT, "config": config})
    assert (found.config, found.hidden) == (kept, hidden)
    assert found.leaked_fields == tuple(path for path, is_leaked in hidden.items() if is_leaked)


def test_secrets_in_unknown_fields_are_removed():
    """At any depth; other values stay."""
    nodes = [{"id": "n1", "config": {"connectionId": "conn_1", "headers": {"Authorization": "Bearer abc"}}}]
    found = decode_record({**FLAT, "client_secret": "s3cret", "nodes": nodes})
    assert found.extra == {"nodes": [{"id": "n1", "config": {"connectionId": "conn_1", "headers": {}}}]}
    assert set(found.leaked_fields) == {
        ("client_secret",),
        ("nodes", "0", "config", "headers", "Authorization"),
    }


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("active", "active"),
        ("deleted", "deleted"),
        ("", ""),
        ("suspended", "suspended"),
        ("EXPIRED", "expired"),
        ("needs_reauth", "needs_reauth"),
        ("pending approval of hunter2", "pending … of …"),
        ("hunter2", "unknown"),
        ("active\x1b[31m", "unknown"),
    ],
)
def test_a_status_is_rebuilt(status, shown):
    """The set of statuses is open, but a status is text of the service."""
    found = decode_record({**FLAT, "status": status})
    assert found.status == shown
    assert found.is_deleted == (status == "deleted")


def test_a_deletion_date_marks_a_deleted_object():
    """Without a status."""
    assert decode_record({**FLAT, "deletedAt": "2026-01-01T00:00:00Z"}).is_deleted
    assert not decode_record({**FLAT, "deleted_at": None}).is_deleted


def test_settings_in_each_encoding():
    """Values become text if the deployment has text; secrets are not revealed."""
    password = Secret("pw")
    body = {
        "name": "x",
        "config": {"port": 5432, "on": True, "ratio": 0.5, "none": None, "password": password},
    }
    assert encode_config(body, DOCUMENTED_ENCODING) == body
    assert encode_config(body, ConfigEncoding("parameters"))["parameters"] == body["config"]
    written = encode_config(body, BACKEND_ENCODING)
    assert written == {
        "name": "x",
        "params": {"port": "5432", "on": "true", "ratio": "0.5", "none": None, "password": password},
    }
    assert "config" in body


def test_nested_values_become_json_text():
    """Values with a secret stay as they are."""
    password = Secret("s")
    config = {"staging": {"credentialId": "c", "port": 1}, "tags": ["a", 1], "headers": {"X-Key": password}}
    assert encode_config({"config": config}, BACKEND_ENCODING)["params"] == {
        "staging": '{"credentialId":"c","port":1}',
        "tags": '["a",1]',
        "headers": {"X-Key": password},
    }
    assert encode_config({"config": config}, DOCUMENTED_ENCODING)["config"] == config


def test_a_body_without_settings_is_unchanged():
    """No settings are added."""
    assert encode_config({"name": "x"}, BACKEND_ENCODING) == {"name": "x"}


def test_a_field_in_either_case():
    """Both keys with different values are an error."""
    assert (
        read_either_case({"pipeline_id": "a"}, "pipeline_id")
        == read_either_case({"pipelineId": "a"}, "pipeline_id")
        == "a"
    )
    assert read_either_case({}, "pipeline_id") is None
    with pytest.raises(ResponseFormatError):
        read_either_case({"pipeline_id": "a", "pipelineId": "b"}, "pipeline_id")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda branch: (
        st.lists(branch, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "attributes", "id", "name", "type", "config", "items", "meta", "total", "x"]
            ),
            branch,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_decoded_or_rejected(tree):
    """The only error is ResponseFormatError."""
    for decode in (
        lambda: decode_rows(tree, "connections"),
        lambda: decode_record(decode_single(tree), partial=True),
    ):
        with suppress(ResponseFormatError):
            decode()
