"""Colour and width of a stream."""

import pytest

from cli_in_process import FakeStream
from keyturn.cli.environment import UNLIMITED_WIDTH, read_environment, stream_width, use_color


@pytest.mark.parametrize(
    ("tty", "surroundings", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "0"}, False),
        (False, {"FORCE_COLOR": ""}, False),
        (True, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(tty, surroundings, expected):
    """NO_COLOR wins, then FORCE_COLOR, then the terminal."""
    assert use_color(FakeStream(tty=tty), surroundings) is expected


def test_width():
    """A log is not folded; a terminal, and whoever says COLUMNS, is."""
    assert stream_width(FakeStream(), {}) == UNLIMITED_WIDTH
    assert stream_width(FakeStream(), {"COLUMNS": "x"}) == UNLIMITED_WIDTH
    assert stream_width(FakeStream(), {"COLUMNS": "70"}) < UNLIMITED_WIDTH
    assert stream_width(FakeStream(tty=True), {}) < UNLIMITED_WIDTH


def test_the_environment_is_a_copy(monkeypatch):
    """What is handed down does not move."""
    before = read_environment()
    monkeypatch.setenv("KEYTURN_X", "1")
    assert "KEYTURN_X" not in before
    assert read_environment()["KEYTURN_X"] == "1"
