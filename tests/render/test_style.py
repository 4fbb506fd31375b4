"""Colour."""

from keyturn.render.parts import Tone
from keyturn.render.style import PLAIN, Style, paint, strong


def test_no_colour_means_no_escape():
    """Without colour the text is untouched."""
    assert paint("x", Tone.DANGER, PLAIN, bold=True) == "x"
    assert strong("x", PLAIN) == "x"


def test_colour_is_ended_where_it_begins():
    """Every colour is taken back at the end of its text."""
    style = Style(colour=True)
    assert paint("x", Tone.DANGER, style) == "\x1b[31mx\x1b[0m"
    assert paint("x", Tone.GAIN, style, bold=True) == "\x1b[1;32mx\x1b[0m"
    assert strong("x", style) == "\x1b[1mx\x1b[0m"


def test_nothing_is_painted_for_no_text():
    """An empty text gets no escapes."""
    assert paint("", Tone.CARE, Style(colour=True)) == ""
    assert strong("", Style(colour=True)) == ""
