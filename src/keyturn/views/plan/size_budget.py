"""A budget for what is drawn: detail goes by class, the least risky first; no class ever goes."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from keyturn.views.plan.model import PlanSection, SectionKind

TRUNCATION_PATTERN: Final = re.compile(r"\b[\d,]+ more(?! are not drawn)\b")
"""Finds where a value or a list was cut short aloud: ``(120 more characters)``, ``and 3 more``."""

MAX_REPEATED_ENTRIES: Final = 20
"""The most entries that are shown once more at the end; the rest is counted."""

TRUNCATION_HINT: Final = "What is cut short above is whole in the JSON: keyturn plan --format json"
"""Where to read what was cut short."""

FULL_DETAIL: Final = 1 << 62
"""The level at which every entry is drawn with its details."""

HEADLINES_ONLY: Final = FULL_DETAIL - 1
"""The level at which every entry is drawn without details; a lower one is how many are."""

_ENTRY_LIMITS: Final = (1000, 300, 100, 30, 10)
_RISK_TIERS: Final = (
    (
        SectionKind.FORGET,
        SectionKind.ADOPT,
        SectionKind.CREATE,
        SectionKind.UPDATE,
        SectionKind.RENAME,
        SectionKind.RESTORE,
    ),
    (SectionKind.MANUAL, SectionKind.UNCERTAIN, SectionKind.ROTATE, SectionKind.DIAGNOSTIC),
    (SectionKind.REPLACE, SectionKind.RETIRE, SectionKind.ACCESS, SectionKind.EXPOSURE),
)


class FittedSections(Struct, frozen=True):
    """One block for each section, in their order, and what was left out; empty where nothing was."""

    blocks: tuple[str, ...]
    omissions: str


def fit_to_budget(
    sections: tuple[PlanSection, ...], draw: Callable[[PlanSection, int], str], budget: int
) -> FittedSections:
    """Return the sections drawn with as much detail as ``budget`` bytes of UTF-8 allow.

    ``draw`` takes a section and a level. Where even the numbers alone are too much, they stay.
    """
    held = {section.kind: section for section in sections}
    drawn = {part: (FULL_DETAIL, draw(section, FULL_DETAIL)) for part, section in held.items()}
    for part, level in _list_reductions():
        if _measure_total(drawn) <= budget:
            break
        if part in held:
            drawn[part] = min(drawn[part], (level, draw(held[part], level)), key=_measure_block)
    for part, level in _list_restorations():
        if part in held and drawn[part][0] < level:
            again = (level, draw(held[part], level))
            if _measure_total({**drawn, part: again}) <= budget:
                drawn[part] = again
    return FittedSections(
        tuple(drawn[section.kind][1] for section in sections),
        _describe_omissions({part: level for part, (level, _) in drawn.items()}),
    )


def _list_reductions() -> Iterator[tuple[SectionKind, int]]:
    for tier in _RISK_TIERS:
        yield from ((part, level) for level in (HEADLINES_ONLY, *_ENTRY_LIMITS) for part in tier)
    yield from ((part, 0) for tier in _RISK_TIERS for part in tier)


def _list_restorations() -> Iterator[tuple[SectionKind, int]]:
    for tier in reversed(_RISK_TIERS):
        yield from (
            (part, level)
            for part in reversed(tier)
            for level in (FULL_DETAIL, HEADLINES_ONLY, *_ENTRY_LIMITS)
        )


def _measure_block(drawn: tuple[int, str]) -> int:
    return len(drawn[1].encode()) + 2


def _measure_total(drawn: Mapping[SectionKind, tuple[int, str]]) -> int:
    return sum(map(_measure_block, drawn.values()))


def _describe_omissions(levels: Mapping[SectionKind, int]) -> str:
    reduced = (
        ("the details of", [part for part in SectionKind if levels.get(part) == HEADLINES_ONLY]),
        (
            "most lines of",
            [part for part in SectionKind if 0 < levels.get(part, FULL_DETAIL) < HEADLINES_ONLY],
        ),
        ("every line of", [part for part in SectionKind if levels.get(part) == 0]),
    )
    return "; ".join(f"{what} {', '.join(part.value for part in parts)}" for what, parts in reduced if parts)
