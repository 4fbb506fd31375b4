"""Colours."""

from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold


def test_no_colour_means_no_escape():
    """Without colour, the text is unchanged."""
    assert colorize("x", Tone.DANGER, PLAIN_STYLE, bold=True) == "x"
    assert make_bold("x", PLAIN_STYLE) == "x"


def test_colour_is_reset():
    """At the end of the text."""
    style = TerminalStyle(color=True)
    assert colorize("x", Tone.DANGER, style) == "\x1b[31mx\x1b[0m"
    assert colorize("x", Tone.SUCCESS, style, bold=True) == "\x1b[1;32mx\x1b[0m"
    assert make_bold("x", style) == "\x1b[1mx\x1b[0m"


def test_empty_text_has_no_colour():
    """It gets no escapes."""
    assert colorize("", Tone.WARNING, TerminalStyle(color=True)) == ""
    assert make_bold("", TerminalStyle(color=True)) == ""
