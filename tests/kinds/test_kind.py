"""The interface of resource kinds."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.kinds import KINDS
from keyturn.kinds.kind import ResourceKind, ServiceRecord
from keyturn.schema.definitions import list_known_types, load_type_schema
from sample_records import SampleRecord


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_complete(name):
    """Each kind has its name and all functions."""
    kind = KINDS[name]
    assert isinstance(kind, ResourceKind)
    assert (kind.name, kind.collection) == (name, f"{name}s")
    assert all(callable(each) for each in (kind.encode, kind.decode, kind.find_references))


def test_a_kind_is_immutable():
    """Assigning a field raises."""
    with pytest.raises(AttributeError, match="immutable"):
        KINDS["credential"].name = "x"


def test_records_of_the_client_match_the_protocol():
    """The records of the client have every property of the protocol."""
    from keyturn.client.records import ApiRecord  # noqa: PLC0415

    asked = {name for name in vars(ServiceRecord) if isinstance(vars(ServiceRecord)[name], property)}
    assert asked <= {field.name for field in msgspec.structs.fields(ApiRecord)}


def list_arrays(kind, type_name):
    """Yield the path of each list in the config of a type, and whether the schema marks it as a set."""
    fields = load_type_schema(kind, type_name).get("properties", {}).get("config", {}).get("properties", {})
    for name, field in fields.items():
        if field.get("type") == "array":
            yield ("config", name), field.get("x-set", False)


@pytest.mark.parametrize("kind", KINDS)
def test_sets_are_those_of_the_schema(kind):
    """The path of a set is never that of an ordered list of another type."""
    found = {each for name in list_known_types(kind) for each in list_arrays(kind, name)}
    assert {path for path, is_set in found if is_set} == KINDS[kind].sets
    assert KINDS[kind].sets.isdisjoint(path for path, is_set in found if not is_set)


SET_FIELDS = [
    (kind, name, path)
    for kind in KINDS
    for name in list_known_types(kind)
    for path, is_set in list_arrays(kind, name)
    if is_set
]


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("field", SET_FIELDS)
@given(items=st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5), random=st.randoms())
def test_sets_are_compared_without_order(field, items, random, as_text):
    """In each type, as a list and as the JSON text of a deployment that stores settings as text."""
    kind, type_name, path = field
    values = [random.sample(items, len(items)) for _ in range(2)]
    encoded = [json.dumps(value) if as_text else value for value in values]
    first, second = (
        KINDS[kind].decode(SampleRecord({path[1]: value, "ordered": value}, type=type_name)).fields
        for value in encoded
    )
    assert first[path] == second[path] == values[0]
    assert repr(first[path]) == repr(second[path])
    assert (first["config", "ordered"] == second["config", "ordered"]) == (encoded[0] == encoded[1])


@pytest.mark.parametrize("text", ["[broken", '{"a": 1}', "api web", "", None, 3])
def test_a_set_that_is_no_list_stays(text):
    """It is compared like other values."""
    fields = KINDS["credential"].decode(SampleRecord({"scopes": text}, type="oauth")).fields
    assert fields["config", "scopes"] == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "expected"),
    [("", "active"), ("Deleted", "deleted"), ("ACTIVE ", "active"), ("expired", "expired")],
)
def test_the_case_of_a_status_has_no_meaning(kind, status, expected):
    """A missing status is that of an active object."""
    assert KINDS[kind].decode(SampleRecord({"host": "db"}, status=status)).status == expected
