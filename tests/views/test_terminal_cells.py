"""Widths and folds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.views.terminal import display_width, wrap_text


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("日本", 4), ("e\u0301", 1), ("😀", 2), ("\uff71", 1), ("\uff57", 2), ("", 0)],
)
def test_cells_are_columns(text, width):
    """Wide letters and emoji take two columns, combining marks none."""
    assert display_width(text) == width


def test_lines_after_the_first_hang_below_the_text():
    """The lead stands alone at the left."""
    assert wrap_text("- ab  ", "one two three", 12) == "- ab  one\n      two\n      three"


def test_a_word_is_never_broken():
    """A word that is too long stays whole, for whoever copies it."""
    assert wrap_text("", "x" * 50 + " y", 10) == "x" * 50 + "\ny"


def test_a_lead_that_leaves_no_room_is_not_hung_below():
    """Text after a very long lead goes on near the left."""
    assert wrap_text("x" * 30 + "  ", "one two three", 40).split("\n")[1].startswith("        t")


@given(st.text(alphabet="ab 日", max_size=60), st.integers(10, 40))
def test_folding_loses_nothing(text, width):
    """For any text: taken together, the words are the same; lines fit unless one word does not."""
    folded = wrap_text("> ", text, width)
    assert folded.removeprefix(">").split() == text.split()
    longest = max((display_width(word) for word in text.split()), default=0)
    assert all(display_width(part) <= max(width, longest + 2) for part in folded.split("\n"))
