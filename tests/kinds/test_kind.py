"""The interface of resource kinds."""

import msgspec
import pytest

from keyturn.kinds import KINDS
from keyturn.kinds.kind import ResourceKind, ServiceRecord


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
