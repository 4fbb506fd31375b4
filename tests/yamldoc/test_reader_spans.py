"""Places."""

from keyturn.model.address import SourceLocation
from keyturn.yamldoc.reader import SourceSpan, SpanIndex, find_source_location

_ALL = {(): SourceSpan(1, 1), ("a",): SourceSpan(2, 5, 3, 2, 1, 1), ("a", "0"): SourceSpan(3, 7)}


def test_measures_once_when_first_asked():
    """The file is gone through for the first place, and never again."""
    asked = []
    places = SpanIndex(lambda: asked.append(1) or _ALL)
    assert asked == []
    assert places[("a",)].length == 3
    assert ("a", "0") in places
    assert (len(places), list(places)) == (3, list(_ALL))
    assert places.get(("b",)) is None
    assert asked == [1]


def test_the_origin_is_the_value_the_key_or_what_is_around_it():
    """An item of a list has no key; what is absent stands at its nearest parent."""
    assert find_source_location(_ALL, "m.yaml", ("a",)) == SourceLocation("m.yaml", 2, 5)
    assert find_source_location(_ALL, "m.yaml", ("a",), key=True) == SourceLocation("m.yaml", 2, 1)
    assert find_source_location(_ALL, "m.yaml", ("a", "0"), key=True) == SourceLocation("m.yaml", 3, 7)
    assert find_source_location(_ALL, "m.yaml", ("a", "x", "y")) == SourceLocation("m.yaml", 2, 5)
    assert find_source_location({}, "m.yaml", ("a",)) == SourceLocation("m.yaml")
