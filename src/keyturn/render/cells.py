"""How many columns text takes on a terminal, and how it is folded at them."""

import unicodedata
from collections.abc import Iterator


def display_width(text: str) -> int:
    """Return the columns of sanitised text: two for wide letters and emoji, none for marks."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def wrap_text(lead: str, text: str, width: int) -> str:
    """Return ``lead`` and text folded at blanks, later lines below the text; no word is broken."""
    hang = display_width(lead)
    # A lead that leaves no room is not worth hanging below.
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
