"""A package's surface: names that are imported when they are asked for."""

import pytest

from keyturn.core.plan import Plan
from keyturn.surface import surface

FIND, NAMES = surface("some.package", {"Plan": "keyturn.core.plan", "Adress": "keyturn.core.address"})


def test_a_name_is_found_where_it_lives():
    """The very object, each time."""
    assert FIND("Plan") is FIND("Plan") is Plan


def test_the_names_are_told():
    """Sorted, as ``dir`` does; nothing is imported for it."""
    assert NAMES() == ["Adress", "Plan"]


def test_another_name_is_none():
    """As Python itself says it, so that ``hasattr`` and an import of a submodule go on."""
    with pytest.raises(AttributeError, match=r"^module 'some\.package' has no attribute 'plan'$"):
        FIND("plan")


def test_a_slip_in_the_table_is_not_hidden():
    """A name that its module lacks is missing there."""
    with pytest.raises(AttributeError, match=r"'keyturn\.core\.address' has no attribute 'Adress'"):
        FIND("Adress")
