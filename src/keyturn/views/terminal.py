"""Terminal output: display width, line wrapping and colours."""

import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import Final

from msgspec import Struct


class Tone(Enum):
    """The meaning of a colour; the values are CSS classes of the HTML pages."""

    DANGER = "danger"
    WARNING = "care"
    SUCCESS = "gain"
    CHANGE = "change"
    MUTED = "quiet"


def display_width(text: str) -> int:
    """Return the columns of escaped text: 2 for wide letters and emoji, 0 for combining marks."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def wrap_text(lead: str, text: str, width: int) -> str:
    """Return ``lead`` and text wrapped at spaces, with a hanging indent; no word is broken."""
    hang = display_width(lead)
    # A lead wider than half the line gets a small indent.
    indent = " " * (hang if hang <= width // 2 else min(hang, 8))
    lines = list(_wrap_words(text, width, (hang, len(indent))))
    return f"\n{indent}".join([lead + lines[0], *lines[1:]]).rstrip()


def _character_width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _wrap_words(text: str, width: int, leads: tuple[int, int]) -> Iterator[str]:
    words = text.split(" ")
    current, used = words[0], leads[0] + display_width(words[0])
    for word in words[1:]:
        size = display_width(word)
        if used + 1 + size > width:
            yield current.rstrip()
            current, used = word, leads[1] + size
        else:
            current, used = f"{current} {word}", used + 1 + size
    yield current


class TerminalStyle(Struct, frozen=True):
    """The terminal: whether ANSI colours are allowed, and its width in columns."""

    color: bool = False
    width: int = 80


PLAIN_STYLE: Final = TerminalStyle()
"""No colour and 80 columns: for a file, a pipe or a log."""

# SGR parameters (ECMA-48 8.3.117); every terminal theme makes the sixteen basic colours readable.
_SGR_CODES: Final = {
    Tone.DANGER: "31",
    Tone.WARNING: "33",
    Tone.SUCCESS: "32",
    Tone.CHANGE: "36",
    Tone.MUTED: "2",
}


def colorize(text: str, tone: Tone, style: TerminalStyle, *, bold: bool = False) -> str:
    """Return escaped text in the colour of ``tone``."""
    if not style.color or not text:
        return text
    return f"\x1b[{'1;' if bold else ''}{_SGR_CODES[tone]}m{text}\x1b[0m"


def make_bold(text: str, style: TerminalStyle) -> str:
    """Return escaped text in bold."""
    return f"\x1b[1m{text}\x1b[0m" if style.color and text else text
