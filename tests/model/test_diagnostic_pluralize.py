"""Counts with a noun."""

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
def test_counts_for_people(number, said):
    """1 is singular, 0 is "no", and None is unknown."""
    assert pluralize_or_none(number, "file") == said


@pytest.mark.parametrize(("number", "said"), [(0, "no entries"), (1, "1 entry"), (3, "3 entries")])
def test_irregular_plural(number, said):
    """The plural can be given."""
    assert pluralize_or_none(number, "entry", "entries") == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (2500, "2,500 entries")]
)
def test_counts_for_programs(number, said):
    """Zero is a number in lines that programs parse."""
    assert pluralize(number, "entry", "entries") == said
