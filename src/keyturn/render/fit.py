"""A budget for what is drawn: detail goes by class, the least risky first; no class ever goes."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from keyturn.render.parts import Part, Section

CUT: Final = re.compile(r"\b[\d,]+ more(?! are not drawn)\b")
"""Finds where a value or a list was cut short aloud: ``(120 more characters)``, ``and 3 more``."""

REPEATED: Final = 20
"""The most entries that are shown once more at the end; the rest is counted."""

UNCUT: Final = "What is cut short above is whole in the JSON: keyturn plan --format json"
"""Where to read what was cut short."""

FULL: Final = 1 << 62
"""The level at which every entry is drawn with its details."""

HEADS: Final = FULL - 1
"""The level at which every entry is drawn without details; a lower one is how many are."""

_FEWER: Final = (1000, 300, 100, 30, 10)
_TIERS: Final = (
    (Part.FORGET, Part.ADOPT, Part.CREATE, Part.UPDATE, Part.RENAME, Part.RESTORE),
    (Part.MANUAL, Part.DOUBT, Part.ROTATE, Part.FINDING),
    (Part.REPLACE, Part.RETIRE, Part.ACCESS, Part.EXPOSURE),
)


class Fitted(Struct, frozen=True):
    """One block for each section, in their order, and what was left out; empty where nothing was."""

    blocks: tuple[str, ...]
    said: str


def fit(sections: tuple[Section, ...], draw: Callable[[Section, int], str], budget: int) -> Fitted:
    """Return the sections drawn with as much detail as ``budget`` bytes of UTF-8 allow.

    ``draw`` takes a section and a level. Where even the numbers alone are too much, they stay.
    """
    held = {section.part: section for section in sections}
    drawn = {part: (FULL, draw(section, FULL)) for part, section in held.items()}
    for part, level in _steps():
        if _sum(drawn) <= budget:
            break
        if part in held:
            drawn[part] = min(drawn[part], (level, draw(held[part], level)), key=_size)
    for part, level in _returns():
        if part in held and drawn[part][0] < level:
            again = (level, draw(held[part], level))
            if _sum({**drawn, part: again}) <= budget:
                drawn[part] = again
    return Fitted(
        tuple(drawn[section.part][1] for section in sections),
        _said({part: level for part, (level, _) in drawn.items()}),
    )


def _steps() -> Iterator[tuple[Part, int]]:
    for tier in _TIERS:
        yield from ((part, level) for level in (HEADS, *_FEWER) for part in tier)
    yield from ((part, 0) for tier in _TIERS for part in tier)


def _returns() -> Iterator[tuple[Part, int]]:
    for tier in reversed(_TIERS):
        yield from ((part, level) for part in reversed(tier) for level in (FULL, HEADS, *_FEWER))


def _size(drawn: tuple[int, str]) -> int:
    return len(drawn[1].encode()) + 2


def _sum(drawn: Mapping[Part, tuple[int, str]]) -> int:
    return sum(map(_size, drawn.values()))


def _said(levels: Mapping[Part, int]) -> str:
    reduced = (
        ("the details of", [part for part in Part if levels.get(part) == HEADS]),
        ("most lines of", [part for part in Part if 0 < levels.get(part, FULL) < HEADS]),
        ("every line of", [part for part in Part if levels.get(part) == 0]),
    )
    return "; ".join(f"{what} {', '.join(part.value for part in parts)}" for what, parts in reduced if parts)
