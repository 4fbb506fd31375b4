"""Kinds as records of functions."""

import msgspec
import pytest

from keyturn.kinds import KINDS
from keyturn.kinds.kind import ResourceKind, ServiceRecord


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_whole(name):
    """Found by its name; all that every kind can do is there."""
    kind = KINDS[name]
    assert isinstance(kind, ResourceKind)
    assert (kind.name, kind.collection) == (name, f"{name}s")
    assert all(callable(each) for each in (kind.encode, kind.decode, kind.find_references))


def test_a_kind_is_a_value():
    """Nobody changes one on the way."""
    with pytest.raises(AttributeError, match="immutable"):
        KINDS["credential"].name = "x"


def test_a_record_is_what_the_client_returns():
    """Each thing that a kind may ask of a record, the client's records have."""
    from keyturn.client.records import ApiRecord  # noqa: PLC0415

    asked = {name for name in vars(ServiceRecord) if isinstance(vars(ServiceRecord)[name], property)}
    assert asked <= {field.name for field in msgspec.structs.fields(ApiRecord)}
