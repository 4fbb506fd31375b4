"""Every known form of the API is understood, and none of the others is taken for nothing."""

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
def test_lists_in_every_form(tree, meta):
    """Bare, wrapped, under its own name, with attributes: the same list."""
    assert decode_rows(tree, "connections") == ((FLAT,), meta)


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
        [None],
        [[FLAT]],
        {"data": [1]},
    ],
)
def test_no_list_is_never_an_empty_list(tree):
    """What is not certainly a list is an error."""
    with pytest.raises(ResponseFormatError):
        decode_rows(tree, "connections")


@pytest.mark.parametrize("tree", [[], {"data": []}, {"connections": []}, {"data": {"connections": []}}])
def test_an_empty_list_is_one(tree):
    """Nothing there is said in each form too."""
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
def test_objects_in_every_form(tree):
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
def test_no_object_is_an_error(tree):
    """Neither a list nor an object with two names is an object."""
    with pytest.raises(ResponseFormatError):
        decode_record(decode_single(tree))


@pytest.mark.parametrize("times", [TIMES, CAMEL_TIMES, TIMES | CAMEL_TIMES])
@pytest.mark.parametrize("key", ["credential_id", "credentialId", "credential_ref", "credentialRef"])
def test_both_spellings_are_read(times, key):
    """Snake case and camel case mean the same, and may stand side by side if they agree."""
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
def test_contradictions_and_nonsense_are_errors(fields):
    """Two spellings that differ, settings that are none, an object without id or name: not understood."""
    with pytest.raises(ResponseFormatError):
        decode_record({**FLAT, **fields})


@pytest.mark.parametrize("fields", [{"config": {"host": "a"}, "params": None}, {"params": None}])
def test_settings_that_are_null_are_not_said(fields):
    """In whichever order they stand, and whatever stands beside them."""
    for order in (fields, dict(reversed(fields.items()))):
        found = decode_record({"id": "c1", "name": "x", **order})
        assert found.config == fields.get("config")
        assert found.extra == {}


def test_of_two_spellings_that_agree_the_documented_one_counts():
    """Settings are written back under the name that comes first, in whichever order they stand."""
    for fields in ({"params": {}, "config": {}}, {"config": {}, "params": {}}):
        assert decode_record({"id": "c1", "name": "x", **fields}).config_encoding == DOCUMENTED_ENCODING


@pytest.mark.parametrize(
    ("fields", "credential"),
    [({}, None), ({"credentialId": None}, ""), ({"credentialId": ""}, ""), ({"credentialId": 7}, "7")],
)
def test_no_link_and_no_word_of_a_link_are_two_things(fields, credential):
    """A deployment without the field says nothing; null says that nothing is attached."""
    assert decode_record({**FLAT, **fields}).credential_id == credential


@pytest.mark.parametrize(
    ("key", "spelling"),
    [
        ("config", DOCUMENTED_ENCODING),
        ("params", BACKEND_ENCODING),
        ("parameters", ConfigEncoding("parameters")),
    ],
)
def test_settings_under_each_name(key, spelling):
    """Settings are found under each of their names, and the name is remembered."""
    found = decode_record(
        {**FLAT, key: {"host": "db", "port": 5432, "ratio": 1.5, "deep": {"list": [1, "a"]}}}
    )
    assert found.config == {"host": "db", "port": 5432, "ratio": 1.5, "deep": {"list": [1, "a"]}}
    assert type(found.config["port"]) is int
    assert found.config_encoding == spelling


def test_no_settings_and_empty_settings_are_two_things():
    """An item of a list has none; an object may have none set."""
    assert decode_record(FLAT).config is None
    assert decode_record({**FLAT, "config": None}).config is None
    assert decode_record({**FLAT, "config": {}}).config == {}
    assert decode_record({**FLAT, "config": None, "params": {"a": "b"}}).config == {"a": "b"}


def test_unknown_fields_are_kept_as_they_are():
    """What we have no name for is there to be echoed."""
    extra = {"category": "source", "future": {"a": [1, None]}, "ok": True}
    assert decode_record({**FLAT, **extra}).extra == extra


def test_a_partial_answer_needs_no_name():
    """An answer to a write may hold just the id."""
    assert decode_record({"id": "conn_1"}, partial=True).name == ""
    with pytest.raises(ResponseFormatError):
        decode_record({"id": "conn_1"})


def test_an_id_may_be_a_number():
    """Ids are opaque."""
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
def test_masks_and_leaks_are_taken_out_and_told(config, kept, hidden):
    """A masked value can neither be compared nor written back; a secret shown is a finding."""
    found = decode_record({**FLAT, "config": config})
    assert (found.config, found.hidden) == (kept, hidden)
    assert found.leaked_fields == tuple(path for path, shown in hidden.items() if shown)


def test_a_secret_outside_of_the_settings_is_taken_out_too():
    """Fields that we do not know may hold secrets as well, at any depth, and the rest of them stays."""
    nodes = [{"id": "n1", "config": {"connectionId": "conn_1", "headers": {"Authorization": "Bearer abc"}}}]
    found = decode_record({**FLAT, "client_secret": "s3cret", "nodes": nodes})
    assert found.extra == {"nodes": [{"id": "n1", "config": {"connectionId": "conn_1", "headers": {}}}]}
    assert set(found.leaked_fields) == {
        ("client_secret",),
        ("nodes", "0", "config", "headers", "Authorization"),
    }


@pytest.mark.parametrize("status", ["active", "deleted", "suspended", "", "ACTIVE"])
def test_an_unknown_status_is_no_crash(status):
    """The list of statuses is open."""
    found = decode_record({**FLAT, "status": status})
    assert found.status == status
    assert found.is_deleted == (status == "deleted")


def test_a_date_of_deletion_is_enough():
    """An object with a date of deletion is in the trash."""
    assert decode_record({**FLAT, "deletedAt": "2026-01-01T00:00:00Z"}).is_deleted
    assert not decode_record({**FLAT, "deleted_at": None}).is_deleted


def test_written_as_the_deployment_writes():
    """The body is renamed and made text where the deployment does so; a secret stays sealed."""
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


def test_what_nests_becomes_text_where_settings_are_text():
    """As JSON, which the same deployment gives back; what holds a secret is left for the last step."""
    password = Secret("s")
    config = {"staging": {"credentialId": "c", "port": 1}, "tags": ["a", 1], "headers": {"X-Key": password}}
    assert encode_config({"config": config}, BACKEND_ENCODING)["params"] == {
        "staging": '{"credentialId":"c","port":1}',
        "tags": '["a",1]',
        "headers": {"X-Key": password},
    }
    assert encode_config({"config": config}, DOCUMENTED_ENCODING)["config"] == config


def test_a_body_without_settings_gets_none():
    """Nothing is added to a body that renames or detaches."""
    assert encode_config({"name": "x"}, BACKEND_ENCODING) == {"name": "x"}


def test_either_spelling_of_a_field():
    """A field outside of records is read in either spelling, and not if both differ."""
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
def test_any_json_is_understood_or_refused(tree):
    """Whatever comes, the decoder answers with a value or with its one error."""
    for decode in (
        lambda: decode_rows(tree, "connections"),
        lambda: decode_record(decode_single(tree), partial=True),
    ):
        with suppress(ResponseFormatError):
            decode()
