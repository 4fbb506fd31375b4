"""Numbers of things in words."""

import pytest

from keyturn.model.diagnostic import pluralize, pluralize_or_none


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (None, "files: unknown"),
        (0, "no files"),
        (1, "1 file"),
        (2, "2 files"),
        (12345, "12,345 files"),
    ],
)
def test_how_many_is_said_in_words(number, said):
    """One thing is one, none is none, and what is not known is not nought."""
    assert pluralize_or_none(number, "file") == said


@pytest.mark.parametrize(("number", "said"), [(0, "no entries"), (1, "1 entry"), (3, "3 entries")])
def test_a_noun_may_have_a_plural_of_its_own(number, said):
    """Not every noun takes an s."""
    assert pluralize_or_none(number, "entry", "entries") == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (2500, "2,500 entries")]
)
def test_a_line_that_is_parsed_has_a_number(number, said):
    """None is 0 there."""
    assert pluralize(number, "entry", "entries") == said
