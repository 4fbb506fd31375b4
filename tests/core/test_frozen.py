"""Frozen data."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.core import frozen as module
from keyturn.core.frozen import frozen
from keyturn.core.secret import Secret


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


@pytest.fixture(params=["frozen", "compiled", "theirs"])
def made(request, monkeypatch):
    """Return a class with every sort of field: of few instances, of many, and as dataclasses make it."""
    monkeypatch.setattr(module, "MANY", 0 if request.param == "compiled" else 200)

    class Made:
        given: int
        filled: list[int] = field(default_factory=list)
        fixed: int = field(default=5, init=False)
        fresh: list[int] = field(default_factory=list, init=False)
        after: int = field(init=False)
        last: int = field(default=1, kw_only=True)

        def __post_init__(self):
            object.__setattr__(self, "after", self.given + self.last)

    return (dataclass(frozen=True, slots=True) if request.param == "theirs" else frozen)(Made)


def test_fields_are_made_as_dataclasses_makes_them(made):
    """Each instance has its own; what is worked out is there."""
    one, other = made(1), made(2, [3], last=4)
    assert (one.given, one.filled, one.fixed, one.fresh, one.after, one.last) == (1, [], 5, [], 2, 1)
    assert (other.filled, other.after) == ([3], 6)
    assert made(given=2, filled=[3], last=4) == other
    assert one.filled is not made(1).filled
    assert one.fresh is not made(1).fresh
    assert replace(other, given=7).after == 11
    assert [each.name for each in fields(made)] == ["given", "filled", "fixed", "fresh", "after", "last"]


@pytest.mark.parametrize(
    ("args", "words", "message"),
    [
        ((), {}, "__init__() missing 1 required positional argument: 'given'"),
        ((1,), {"fixed": 6}, "__init__() got an unexpected keyword argument 'fixed'"),
        ((1,), {"after": 6}, "__init__() got an unexpected keyword argument 'after'"),
        ((1,), {"other": 6}, "__init__() got an unexpected keyword argument 'other'"),
        ((1,), {"given": 6}, "__init__() got multiple values for argument 'given'"),
        ((1, [], 5), {}, "__init__() takes from 2 to 3 positional arguments but 4 were given"),
    ],
)
def test_a_wrong_call_is_told_as_dataclasses_tells_it(made, args, words, message):
    """Whichever way instances are made; and the next call is right again."""
    with pytest.raises(TypeError) as caught:
        made(*args, **words)
    assert str(caught.value).endswith(message)
    assert made(1).after == 2


def test_the_making_of_many_is_compiled():
    """The last of the few is as the first of the many."""

    @frozen
    class Counted:
        number: int

    before = Counted.__init__
    several = [Counted(number) for number in range(module.MANY)]
    assert Counted.__init__ is before
    several.append(Counted(module.MANY))
    assert Counted.__init__ is not before
    assert [each.number for each in several] == list(range(module.MANY + 1))
    assert several[0] == Counted(0)


def test_a_copy_is_equal():
    """Through copy and pickle; what refuses to be copied refuses within it."""
    for value in (Ours("a", 2, ("b",)), Named(one=1), Sorted(1), Empty()):
        again = pickle.loads(pickle.dumps(value))  # noqa: S301  # what we wrote ourselves
        assert copy.copy(value) == copy.deepcopy(value) == again == value
    with pytest.raises(TypeError):
        copy.deepcopy(Ours("a", Secret("x")))


def test_own_methods_stay():
    """A class says best itself how it is shown and compared."""
    assert (repr(Own("a")), Own("a") == Own("b"), hash(Own("a"))) == ("own", True, 7)
