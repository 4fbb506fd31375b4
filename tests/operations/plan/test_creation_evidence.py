"""Evidence that an object was made by a create request: its name alone is none."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keyturn.client.errors import NotFound
from keyturn.client.messages import Request
from keyturn.model.clock import parse_timestamp
from keyturn.model.fields import flatten_tree
from keyturn.operations.plan.creation_evidence import (
    CREATION_WINDOW,
    explain_doubt,
    search_created,
)
from keyturn.state.events import Intent
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

DB, PG = credential_address("prod-orders"), connection_address("prod-orders")
CONFIG = {
    "engine": "postgresql",
    "host": "orders.example.com",
    "port": 5432,
    "username": "svc",
    "tags": ["b", "a"],
}
SENT = flatten_tree({"config": CONFIG})
NOW = "2026-01-01T00:00:00Z"
LIVE = make_live_object(make_state_entry(make_desired(DB, CONFIG), "cred_7"))
INTENT = Intent(
    id="i", operation="create", address=DB, action="create", server_date=NOW, type="database", fields=SENT
)


def with_config(**config):
    """Return the live object with other settings; None removes one."""
    merged = {name: value for name, value in {**CONFIG, **config}.items() if value is not None}
    return replace(LIVE, fields=flatten_tree({"config": merged}))


def proves(live, intent=INTENT, taken=frozenset()):
    """Tell whether an object is provably made by an intent."""
    return search_created(intent, [live], taken).proven == (live,)


def test_an_equal_object_of_the_time_of_the_request_is_proven():
    """With the name, the type and all plain fields of the request."""
    assert proves(LIVE)
    assert explain_doubt(INTENT, LIVE) == ""


@pytest.mark.parametrize(
    "config",
    [
        {"host": "theirs.example.com"},
        {"username": "theirs"},
        {"port": 6432},
        {"port": None},
        {"host": None},
        {"engine": "mysql"},
        {"tags": ["a"]},
        {"role_arn": "arn:aws:iam::123456789012:role/other"},
        {"unknown": "value"},
    ],
    ids=str,
)
def test_another_field_is_a_doubt(config):
    """Also a field that the request did not send, if it may say where a secret goes."""
    live = with_config(**config)
    found = search_created(INTENT, [live], frozenset())
    assert (found.proven, found.doubtful, found.is_empty) == ((), (live,), False)
    assert next(iter(config)) in found.doubts[live.id]


@pytest.mark.parametrize(
    "config",
    [
        {"host": " ORDERS.example.com "},
        {"port": "5432"},
        {"tags": ["a", "b"]},
        {"username": "Svc", "engine": "PostgreSQL"},
    ],
    ids=str,
)
def test_a_normalized_field_is_no_doubt(config):
    """A service may trim texts, change their case, store numbers as text, and sort lists."""
    assert proves(with_config(**config))


@pytest.mark.parametrize("empty", [None, "", [], {}], ids=repr)
def test_an_omitted_empty_field_is_no_doubt(empty):
    """A service may omit what is empty."""
    assert proves(LIVE, replace(INTENT, fields={**SENT, ("config", "note"): empty}))
    assert not proves(LIVE, replace(INTENT, fields={**SENT, ("config", "note"): "text"}))


def test_another_credential_of_a_connection_is_a_doubt():
    """References are compared as IDs, and an added one counts."""
    sent = {**SENT, ("credential",): "cred_7"}
    intent = replace(INTENT, address=PG, type="postgres", fields=sent)
    live = replace(LIVE, address=PG, type="postgres", fields=sent)
    assert proves(live, intent)
    assert not proves(replace(live, fields={**sent, ("credential",): "cred_8"}), intent)
    assert not proves(live, replace(intent, fields=SENT))


@pytest.mark.parametrize("field", ["server_date", "type"])
@pytest.mark.parametrize("object_id", ["", "cred_7"])
def test_an_intent_without_date_or_type_proves_nothing(field, object_id):
    """An earlier version, or somebody else, wrote it."""
    intent = replace(INTENT, object=object_id, **{field: ""})
    assert not proves(LIVE, intent)
    assert search_created(intent, [LIVE], frozenset()).doubtful == (LIVE,)


@given(st.text(max_size=30) | st.sampled_from(["Mon, 09 Mar 2026 12:00:00 GMT", "garbage", "9" * 40]))
def test_an_unreadable_date_proves_nothing_and_is_no_failure(text):
    """Texts of a journal or of a service are never a crash."""
    if parse_timestamp(text) is None:
        assert not proves(LIVE, replace(INTENT, server_date=text))
        assert not proves(replace(LIVE, created_at=text, updated_at=text))


@pytest.mark.parametrize(
    ("seconds", "is_proven", "is_candidate"),
    [
        (-1, False, False),
        (0, True, True),
        (CREATION_WINDOW.total_seconds(), True, True),
        (CREATION_WINDOW.total_seconds() + 1, False, True),
    ],
)
def test_the_creation_is_in_the_window_of_the_request(seconds, is_proven, is_candidate):
    """An older object is not looked at; a much newer one may be somebody else's."""
    created = (parse_timestamp(NOW) + timedelta(seconds=seconds)).isoformat()
    found = search_created(INTENT, [replace(LIVE, created_at=created)], frozenset())
    assert (bool(found.proven), not found.is_empty) == (is_proven, is_candidate)


@pytest.mark.parametrize(
    "date", ["2026-01-01T00:00:00.900Z", "2026-01-01T00:00:00", "2026-01-01T01:00:00+01:00"]
)
def test_dates_are_compared_as_instants(date):
    """A fraction of the date of the intent, a missing zone or another zone changes nothing."""
    assert proves(LIVE, replace(INTENT, server_date=date))


@pytest.mark.parametrize(
    ("updated", "is_proven"), [(NOW, True), ("2026-01-02T00:00:00Z", False), ("", False)]
)
def test_without_a_creation_time_that_of_the_last_write_counts(updated, is_proven):
    """The service gives connections no creation time; an edited object may be somebody else's."""
    assert proves(replace(LIVE, created_at="", updated_at=updated)) is is_proven


def test_with_a_recorded_id_only_that_object_counts():
    """Its fields may have been edited since; its name, type and time may not differ."""
    recorded = replace(INTENT, object="cred_7")
    assert proves(with_config(host="edited.example.com"), recorded)
    assert search_created(recorded, [replace(LIVE, id="cred_8")], frozenset()).is_empty
    assert not proves(replace(LIVE, type="aws"), recorded)
    assert not proves(replace(LIVE, address=credential_address("prod-other")), recorded)
    assert not proves(replace(LIVE, created_at="2025-12-31T00:00:00Z"), recorded)


def test_taken_and_deleted_objects_are_left_out():
    """An object of the state, or one that no longer exists."""
    assert search_created(INTENT, [LIVE], frozenset({"cred_7"})).is_empty
    assert search_created(INTENT, [replace(LIVE, status="deleted")], frozenset()).is_empty


def test_details_are_read_before_the_comparison():
    """A list may omit the settings; an object that is gone meanwhile is left out."""
    listed = replace(LIVE, fields={}, has_config=False)
    assert search_created(INTENT, [listed], frozenset(), lambda _: LIVE).proven == (LIVE,)

    def is_gone(_):
        path = "/api/credentials/cred_7"
        raise NotFound(Request(method="GET", path=path, path_template=path, operation="read"))

    assert search_created(INTENT, [listed], frozenset(), is_gone).is_empty
