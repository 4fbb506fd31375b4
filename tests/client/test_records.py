"""What the service shows, as values."""

import pytest

from keyturn.client.records import ApiRecord, RecordList, RequestStats, TestResponse


@pytest.mark.parametrize(
    "value", [ApiRecord(id="a"), RecordList(records=()), TestResponse(ok=None)], ids=repr
)
def test_values_do_not_change(value):
    """A record, a list and a result are frozen."""
    name = value.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(value, name, "other")


def test_in_the_trash_or_not():
    """A status or a date says that an object is in the trash."""
    assert ApiRecord(id="a", status="deleted").is_deleted
    assert ApiRecord(id="a", deleted_at="2026-01-01T00:00:00Z").is_deleted
    assert not ApiRecord(id="a", status="active").is_deleted


def test_what_was_shown_openly():
    """Of the hidden paths those are leaks that held a value and not a mask."""
    record = ApiRecord(id="a", hidden={("config", "password"): True, ("config", "token"): False})
    assert record.leaked_fields == (("config", "password"),)


def test_the_total_of_figures():
    """All requests, by whatever verb."""
    assert (
        RequestStats(by_operation={"list": 2, "create": 3}, retries=1, seconds_waited=0.5).total_requests == 5
    )
