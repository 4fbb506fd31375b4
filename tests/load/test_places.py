"""Places."""

from keyturn.core.address import Origin
from keyturn.load.places import Place, Places, origin_of

_ALL = {(): Place(1, 1), ("a",): Place(2, 5, 3, 2, 1, 1), ("a", "0"): Place(3, 7)}


def test_measures_once_when_first_asked():
    """The file is gone through for the first place, and never again."""
    asked = []
    places = Places(lambda: asked.append(1) or _ALL)
    assert asked == []
    assert places[("a",)].length == 3
    assert ("a", "0") in places
    assert (len(places), list(places)) == (3, list(_ALL))
    assert places.get(("b",)) is None
    assert asked == [1]


def test_the_origin_is_the_value_the_key_or_what_is_around_it():
    """An item of a list has no key; what is absent stands at its nearest parent."""
    assert origin_of(_ALL, "m.yaml", ("a",)) == Origin("m.yaml", 2, 5)
    assert origin_of(_ALL, "m.yaml", ("a",), key=True) == Origin("m.yaml", 2, 1)
    assert origin_of(_ALL, "m.yaml", ("a", "0"), key=True) == Origin("m.yaml", 3, 7)
    assert origin_of(_ALL, "m.yaml", ("a", "x", "y")) == Origin("m.yaml", 2, 5)
    assert origin_of({}, "m.yaml", ("a",)) == Origin("m.yaml")
