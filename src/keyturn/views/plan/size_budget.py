"""Drops details section by section, least risky first, until the output fits; titles and counts stay."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from keyturn.views.plan.model import PlanSection, SectionKind

TRUNCATION_PATTERN: Final = re.compile(r"\b[\d,]+ more(?! are not drawn)\b")
"""Finds the marker of a truncated value or list: ``(120 more characters)``, ``and 3 more``."""

MAX_REPEATED_ENTRIES: Final = 20
"""The maximum number of entries that are repeated at the end; the rest is counted."""

TRUNCATION_HINT: Final = "The JSON has the full text of what is truncated above: keyturn plan --format json"
"""The hint below output with truncated values."""

FULL_DETAIL: Final = 1 << 62
"""The level of detail that shows all entries with their details."""

HEADLINES_ONLY: Final = FULL_DETAIL - 1
"""The level of detail that shows all entries without details; a lower level is the number of entries."""

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
    """One block for each section, in order, and a phrase for what is omitted; empty for nothing."""

    blocks: tuple[str, ...]
    omissions: str


def fit_to_budget(
    sections: tuple[PlanSection, ...], render: Callable[[PlanSection, int], str], budget: int
) -> FittedSections:
    """Return the sections rendered with as much detail as ``budget`` bytes of UTF-8 allow.

    ``render`` takes a section and a level of detail. Titles with counts stay even above the budget.
    """
    by_kind = {section.kind: section for section in sections}
    rendered = {kind: (FULL_DETAIL, render(section, FULL_DETAIL)) for kind, section in by_kind.items()}
    for kind, level in _list_reductions():
        if _measure_total(rendered) <= budget:
            break
        if kind in by_kind:
            rendered[kind] = min(rendered[kind], (level, render(by_kind[kind], level)), key=_measure_block)
    for kind, level in _list_restorations():
        if kind in by_kind and rendered[kind][0] < level:
            candidate = (level, render(by_kind[kind], level))
            if _measure_total({**rendered, kind: candidate}) <= budget:
                rendered[kind] = candidate
    return FittedSections(
        tuple(rendered[section.kind][1] for section in sections),
        _describe_omissions({kind: level for kind, (level, _) in rendered.items()}),
    )


def _list_reductions() -> Iterator[tuple[SectionKind, int]]:
    for tier in _RISK_TIERS:
        yield from ((kind, level) for level in (HEADLINES_ONLY, *_ENTRY_LIMITS) for kind in tier)
    yield from ((kind, 0) for tier in _RISK_TIERS for kind in tier)


def _list_restorations() -> Iterator[tuple[SectionKind, int]]:
    for tier in reversed(_RISK_TIERS):
        yield from (
            (kind, level)
            for kind in reversed(tier)
            for level in (FULL_DETAIL, HEADLINES_ONLY, *_ENTRY_LIMITS)
        )


def _measure_block(rendered: tuple[int, str]) -> int:
    return len(rendered[1].encode()) + 2


def _measure_total(rendered: Mapping[SectionKind, tuple[int, str]]) -> int:
    return sum(map(_measure_block, rendered.values()))


def _describe_omissions(levels: Mapping[SectionKind, int]) -> str:
    reduced = (
        ("the details of", [kind for kind in SectionKind if levels.get(kind) == HEADLINES_ONLY]),
        (
            "most lines of",
            [kind for kind in SectionKind if 0 < levels.get(kind, FULL_DETAIL) < HEADLINES_ONLY],
        ),
        ("every line of", [kind for kind in SectionKind if levels.get(kind) == 0]),
    )
    return "; ".join(
        f"{extent} {', '.join(kind.value for kind in kinds)}" for extent, kinds in reduced if kinds
    )
