"""Display width and line wrapping."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.views.terminal import display_width, wrap_text


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("日本", 4), ("e\u0301", 1), ("😀", 2), ("\uff71", 1), ("\uff57", 2), ("", 0)],
)
def test_width_is_counted_in_columns(text, width):
    """Wide letters and emoji take 2 columns, combining marks 0."""
    assert display_width(text) == width


def test_wrapped_lines_have_a_hanging_indent():
    """Below the start of the text."""
    assert wrap_text("- ab  ", "one two three", 12) == "- ab  one\n      two\n      three"


def test_a_word_is_never_broken():
    """A long word can be copied."""
    assert wrap_text("", "x" * 50 + " y", 10) == "x" * 50 + "\ny"


def test_a_wide_lead_gets_a_small_indent():
    """The text continues near the left edge."""
    assert wrap_text("x" * 30 + "  ", "one two three", 40).split("\n")[1].startswith("        t")


@given(st.text(alphabet="ab 日", max_size=60), st.integers(10, 40))
def test_wrapping_keeps_all_words(text, width):
    """Any text: lines fit, except a single long word."""
    folded = wrap_text("> ", text, width)
    assert folded.removeprefix(">").split() == text.split()
    longest = max((display_width(word) for word in text.split()), default=0)
    assert all(display_width(part) <= max(width, longest + 2) for part in folded.split("\n"))
