"""Frozen data."""

from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.core.frozen import frozen


@frozen
class Ours:
    """What keyturn makes."""

    name: str
    number: float = 0
    rest: tuple[str, ...] = ()
    beside: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Theirs:
    """What dataclasses make of the same."""

    name: str
    number: float = 0
    rest: tuple[str, ...] = ()
    beside: str = field(default="", repr=False, compare=False)


@frozen(kw_only=True)
class Named:
    """Made by names alone."""

    one: int
    two: int = 2


@frozen(order=True)
class Sorted:
    """Has an order."""

    one: int
    two: int = 2


@frozen
class Empty:
    """Holds nothing."""


@frozen
class Own:
    """Has methods of its own."""

    name: str

    def __repr__(self):
        return "own"

    def __eq__(self, other):
        return isinstance(other, Own)

    def __hash__(self):
        return 7


texts = st.text(max_size=2)
held = st.tuples(texts, st.integers(0, 2) | st.floats(), st.lists(texts, max_size=2).map(tuple), texts)


@given(held, held)
def test_it_is_what_dataclasses_make_of_it(one, other):
    """Equal, hashed and printed alike, whatever is held."""
    ours, theirs = (Ours(*one), Ours(*other)), (Theirs(*one), Theirs(*other))
    assert (ours[0] == ours[1]) is (theirs[0] == theirs[1])
    assert (hash(ours[0]) == hash(ours[1])) is (hash(theirs[0]) == hash(theirs[1]))
    assert repr(ours[0]) == repr(theirs[0]).replace("Theirs", "Ours")
    assert ours[0] == replace(ours[0])


def test_it_cannot_change():
    """Nothing is set, taken away or added."""
    for name in ("name", "more"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(Ours("a"), name, "b")
    with pytest.raises(FrozenInstanceError):
        del Ours("a").name
    assert not hasattr(Ours("a"), "__dict__")


def test_another_class_is_never_equal():
    """Whatever it holds."""
    assert Ours("a") != Theirs("a")
    assert Ours("a").__eq__(Theirs("a")) is NotImplemented
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())
    assert repr(Empty()) == "Empty()"


def test_names_and_order_are_asked_for():
    """Neither comes by itself."""
    with pytest.raises(TypeError):
        Named(1)
    assert Named(one=1) == Named(one=1, two=2)
    assert sorted([Sorted(2), Sorted(1, 3), Sorted(1)]) == [Sorted(1), Sorted(1, 3), Sorted(2)]
    with pytest.raises(TypeError):
        Ours("a") < Ours("b")  # noqa: B015  # the comparison is what is tried
    assert [each.name for each in fields(Ours)] == ["name", "number", "rest", "beside"]


def test_own_methods_stay():
    """A class says best itself how it is shown and compared."""
    assert (repr(Own("a")), Own("a") == Own("b"), hash(Own("a"))) == ("own", True, 7)
