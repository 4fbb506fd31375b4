"""Colour."""

from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold


def test_no_colour_means_no_escape():
    """Without colour the text is untouched."""
    assert colorize("x", Tone.DANGER, PLAIN_STYLE, bold=True) == "x"
    assert make_bold("x", PLAIN_STYLE) == "x"


def test_colour_is_ended_where_it_begins():
    """Every colour is taken back at the end of its text."""
    style = TerminalStyle(color=True)
    assert colorize("x", Tone.DANGER, style) == "\x1b[31mx\x1b[0m"
    assert colorize("x", Tone.SUCCESS, style, bold=True) == "\x1b[1;32mx\x1b[0m"
    assert make_bold("x", style) == "\x1b[1mx\x1b[0m"


def test_nothing_is_painted_for_no_text():
    """An empty text gets no escapes."""
    assert colorize("", Tone.WARNING, TerminalStyle(color=True)) == ""
    assert make_bold("", TerminalStyle(color=True)) == ""
