"""One manifest as the rules see it."""

from judging import subject
from keyturn.core.address import Address, Origin
from keyturn.policy.subject import Subject

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
    assert one.origin(("config", "host")) == Origin(one.file, 5, 9)
    assert one.origin(("config", "host"), key=True) == Origin(one.file, 5, 3)
    assert one.origin(("config", "port"), key=True) == Origin(one.file, 4, 1)
    assert one.origin(("labels", "owner"), key=True) == Origin(one.file, 1, 1)


def test_without_places_an_origin_is_the_file():
    """A subject may be made without having been read."""
    one = Subject(address=Address("credential", "x"), type="aws", file="x.yaml")
    assert one.origin(("config",)) == Origin("x.yaml")


def test_fields_are_found_by_their_last_name_or_their_last_two():
    """``tls: {mode: …}`` goes by tlsmode, and by mode."""
    one = subject(TEXT)
    found = [(("config", "tls", "mode"), "require")]
    assert one.named(frozenset({"tlsmode"})) == found
    assert one.named(frozenset({"mode"})) == found
    assert list(one.named(frozenset({"sslmode"}))) == []
