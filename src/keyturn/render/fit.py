"""A budget for what is drawn: detail goes by class, the least risky first; no class ever goes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from keyturn.render.parts import Part, Section

FULL: Final = 3
"""Every entry with its details."""

HEADS: Final = 2
"""Every entry, without details."""

SOME: Final = 1
"""The first few entries, and how many more there are."""

NONE: Final = 0
"""The number of entries alone."""

_SAID: Final = {
    HEADS: "the details of {}",
    SOME: "most of the lines of {}",
    NONE: "all lines of {}",
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """One block for each section, in their order, and what was left out; empty where nothing was."""

    blocks: tuple[str, ...]
    said: str


def fit(sections: tuple[Section, ...], draw: Callable[[Section, int], str], budget: int) -> Fitted:
    """Return the sections drawn with as much detail as ``budget`` bytes of UTF-8 allow.

    ``draw`` takes a section and a level. Where even the numbers alone are too much, they stay.
    """
    levels = {section.part: FULL for section in sections}
    blocks = {section.part: draw(section, FULL) for section in sections}
    sizes = {part: _size(block) for part, block in blocks.items()}
    steps = _steps(sections)
    while sum(sizes.values()) > budget:
        step = next(steps, None)
        if step is None:
            break
        section, level = step
        levels[section.part] = level
        blocks[section.part] = draw(section, level)
        sizes[section.part] = _size(blocks[section.part])
    return Fitted(tuple(blocks[section.part] for section in sections), _said(levels))


def _steps(sections: tuple[Section, ...]) -> Iterator[tuple[Section, int]]:
    # Findings say what refuses the plan: they are the last of their kind to lose anything.
    order = sorted(sections, key=lambda section: _RISK.index(section.part), reverse=True)
    for level in (HEADS, SOME, NONE):
        for section in order:
            yield section, level


_RISK: Final = (Part.FINDING, *(part for part in Part if part is not Part.FINDING))


def _size(block: str) -> int:
    return len(block.encode()) + 2


def _said(levels: dict[Part, int]) -> str:
    phrases = []
    for level, phrase in _SAID.items():
        parts = [part.value for part in Part if levels.get(part) == level]
        if parts:
            phrases.append(phrase.format(", ".join(parts)))
    return "; ".join(phrases)
