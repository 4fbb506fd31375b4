"""Values of the service."""

import pytest

from keyturn.client.records import ApiRecord, RecordList, RequestStats, TestResponse


@pytest.mark.parametrize(
    "value", [ApiRecord(id="a"), RecordList(records=()), TestResponse(ok=None)], ids=repr
)
def test_values_are_frozen(value):
    """No field can be set."""
    name = value.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(value, name, "other")


def test_deleted_records():
    """A status or a date marks a deleted object."""
    assert ApiRecord(id="a", status="deleted").is_deleted
    assert ApiRecord(id="a", deleted_at="2026-01-01T00:00:00Z").is_deleted
    assert not ApiRecord(id="a", status="active").is_deleted


def test_leaked_fields():
    """Hidden paths with a value, not a mask."""
    record = ApiRecord(id="a", hidden={("config", "password"): True, ("config", "token"): False})
    assert record.leaked_fields == (("config", "password"),)


def test_total_requests():
    """The sum over all operations."""
    assert (
        RequestStats(by_operation={"list": 2, "create": 3}, retries=1, seconds_waited=0.5).total_requests == 5
    )
