"""One manifest as the rules see it."""

from keyturn.model.address import Address, SourceLocation
from keyturn.policy.resource_view import ResourceView
from sample_policies import make_view

TEXT = """\
kind: connection
name: prod-x
type: postgres
config:
  host: db
  tls: {mode: require}
"""


def test_a_location_is_that_of_the_nearest_parent():
    """For a path that is not in the file."""
    one = make_view(TEXT)
    assert one.find_location(("config", "host")) == SourceLocation(one.file, 5, 9)
    assert one.find_location(("config", "host"), key=True) == SourceLocation(one.file, 5, 3)
    assert one.find_location(("config", "port"), key=True) == SourceLocation(one.file, 4, 1)
    assert one.find_location(("labels", "owner"), key=True) == SourceLocation(one.file, 1, 1)


def test_without_spans_the_location_is_the_file():
    """A view may have no file content."""
    one = ResourceView(address=Address("credential", "x"), type="aws", file="x.yaml")
    assert one.find_location(("config",)) == SourceLocation("x.yaml")


def test_fields_are_found_by_their_last_key_or_last_two_keys():
    """``tls: {mode: …}`` has the names tlsmode and mode."""
    one = make_view(TEXT)
    found = [(("config", "tls", "mode"), "require")]
    assert one.find_fields(frozenset({"tlsmode"})) == found
    assert one.find_fields(frozenset({"mode"})) == found
    assert list(one.find_fields(frozenset({"sslmode"}))) == []
