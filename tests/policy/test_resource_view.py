"""One manifest as the rules see it."""

from judging import subject
from keyturn.model.address import Address, SourceLocation
from keyturn.policy.resource_view import ResourceView

TEXT = """\
kind: connection
name: prod-x
type: postgres
config:
  host: db
  tls: {mode: require}
"""


def test_an_origin_is_that_of_the_nearest_thing_that_has_a_place():
    """A path that is not in the file points at what would hold it."""
    one = subject(TEXT)
    assert one.find_location(("config", "host")) == SourceLocation(one.file, 5, 9)
    assert one.find_location(("config", "host"), key=True) == SourceLocation(one.file, 5, 3)
    assert one.find_location(("config", "port"), key=True) == SourceLocation(one.file, 4, 1)
    assert one.find_location(("labels", "owner"), key=True) == SourceLocation(one.file, 1, 1)


def test_without_places_an_origin_is_the_file():
    """A subject may be made without having been read."""
    one = ResourceView(address=Address("credential", "x"), type="aws", file="x.yaml")
    assert one.find_location(("config",)) == SourceLocation("x.yaml")


def test_fields_are_found_by_their_last_name_or_their_last_two():
    """``tls: {mode: …}`` goes by tlsmode, and by mode."""
    one = subject(TEXT)
    found = [(("config", "tls", "mode"), "require")]
    assert one.find_fields(frozenset({"tlsmode"})) == found
    assert one.find_fields(frozenset({"mode"})) == found
    assert list(one.find_fields(frozenset({"sslmode"}))) == []
