"""Spans of a document."""

from keyturn.model.address import SourceLocation
from keyturn.yamldoc.reader import SourceSpan, SpanIndex, find_source_location

_ALL = {(): SourceSpan(1, 1), ("a",): SourceSpan(2, 5, 3, 2, 1, 1), ("a", "0"): SourceSpan(3, 7)}


def test_computes_the_spans_once_on_first_access():
    """The first access computes all spans."""
    asked = []
    places = SpanIndex(lambda: asked.append(1) or _ALL)
    assert asked == []
    assert places[("a",)].length == 3
    assert ("a", "0") in places
    assert (len(places), list(places)) == (3, list(_ALL))
    assert places.get(("b",)) is None
    assert asked == [1]


def test_locates_a_value_a_key_or_the_nearest_parent():
    """A list item has no key; an absent path has the location of its nearest parent."""
    assert find_source_location(_ALL, "m.yaml", ("a",)) == SourceLocation("m.yaml", 2, 5)
    assert find_source_location(_ALL, "m.yaml", ("a",), key=True) == SourceLocation("m.yaml", 2, 1)
    assert find_source_location(_ALL, "m.yaml", ("a", "0"), key=True) == SourceLocation("m.yaml", 3, 7)
    assert find_source_location(_ALL, "m.yaml", ("a", "x", "y")) == SourceLocation("m.yaml", 2, 5)
    assert find_source_location({}, "m.yaml", ("a",)) == SourceLocation("m.yaml")
