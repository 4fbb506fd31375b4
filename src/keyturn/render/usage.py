"""The review told: to people in a terminal or a document, to programs, to a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from keyturn.core.counting import counted, numbered
from keyturn.core.usage import Review, Usage
from keyturn.render.cells import cells, fold
from keyturn.render.json_text import dumped
from keyturn.render.parts import Tone
from keyturn.render.safe import line, md
from keyturn.render.style import PLAIN, Style, paint, strong

FORMAT: Final = "1.0"
UNKNOWN: Final = "unknown"

HEADS: Final = (
    "credential", "type", "flags", "connections", "pipelines", "schedules", "last rotated", "max age", "ends",
    "can decrypt", "owner", "file",
)  # fmt: skip

_LOUD: Final = {"overdue": Tone.DANGER, "expiring": Tone.DANGER, "unused": Tone.CARE}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def row(review: Review, usage: Usage) -> tuple[str, ...]:
    """Return a credential's cells in the order of ``HEADS``, not yet made safe for any sink."""
    reach = usage.reach
    connections = ", ".join(reach.connections)
    if not reach.complete:
        connections = f"{connections} (there may be more)" if connections else UNKNOWN
    return (
        usage.address.name,
        usage.type,
        ", ".join(review.flags(usage)),
        connections or "none",
        _named((*(reach.pipelines or ()), *(f"sync {each}" for each in reach.syncs or ())), reach.pipelines),
        _scheduled(usage),
        _age(review, usage),
        counted(usage.max_age_days, "day") if usage.max_age_days else "not stated",
        "; ".join(f"{each.what} on {each.day}" for each in usage.endings) or "nothing known",
        UNKNOWN if usage.readers is None else f"{len(usage.readers)}: {', '.join(usage.readers)}",
        usage.owner or "not stated",
        usage.file or "not in git",
    )


def total(review: Review) -> str:
    """Return the last line: ``Usage: 7 credentials, 1 overdue, 0 expiring, 2 unused, …``."""
    counts = ", ".join(f"{number} {word}" for word, number in review.counts().items())
    return f"Usage: {numbered(len(review.usages), 'credential')}, {counts}."


def usage_text(review: Review, style: Style = PLAIN) -> str:
    """Return the review for a terminal: what needs attention first, each credential in a few lines."""
    ranked = sorted(review.usages, key=lambda each: (not _flagged(review, each), each.address))
    lines = [text for each in ranked for text in _lines(review, each, style)]
    notes = [paint(fold("note: ", line(note), style.width), Tone.CARE, style) for note in review.notes]
    return "\n".join([*lines, *notes, strong(total(review), style)]) + "\n"


def usage_markdown(review: Review) -> str:
    """Return the review as a Markdown document with one table."""
    head = f"# Credentials of {md(review.workspace)}, {review.today}"
    table = [_columns(HEADS), _columns("---" for _ in HEADS)]
    table += [_columns(map(_cell, row(review, each))) for each in review.usages]
    notes = [f"> {md(note)}" for note in review.notes]
    return "\n\n".join([head, md(total(review)), *notes, "\n".join(table)]) + "\n"


def usage_csv(review: Review) -> str:
    """Return the review for a spreadsheet (RFC 4180); no cell is taken for a formula there."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADS)
    writer.writerows([_inert(line(cell)) for cell in row(review, each)] for each in review.usages)
    return text.getvalue()


def usage_json(review: Review) -> str:
    """Return the review as JSON, as ``schemas/usage.schema.json`` says; null is what is not known."""
    return dumped(
        {
            "format_version": FORMAT,
            "workspace": review.workspace,
            "organization": review.organization,
            "date": str(review.today),
            "notice_days": review.notice,
            "summary": {**review.counts(), "credentials": len(review.usages), "line": total(review)},
            "notes": list(review.notes),
            "credentials": [_tree(review, each) for each in review.usages],
        }
    )


def _tree(review: Review, usage: Usage) -> dict[str, Any]:
    reach = usage.reach
    return {
        "address": str(usage.address),
        "type": usage.type,
        "file": usage.file or None,
        "status": usage.status or None,
        "owner": usage.owner or None,
        "flags": list(review.flags(usage)),
        "used": reach.used,
        "connections": list(reach.connections),
        "connections_complete": reach.complete,
        "pipelines": None if reach.pipelines is None else list(reach.pipelines),
        "syncs": None if reach.syncs is None else list(reach.syncs),
        "schedules": reach.schedules,
        "next_run": reach.next_run or None,
        "last_rotated": str(usage.rotated) if usage.rotated else None,
        "age_days": usage.age(review.today),
        "max_age_days": usage.max_age_days or None,
        "overdue_days": usage.overdue(review.today),
        "ends": [{"what": each.what, "on": str(each.day)} for each in usage.endings],
        "long_lived": usage.lasting or None,
        "needs_consent": usage.consent,
        "readers": None if usage.readers is None else list(usage.readers),
    }


def _flagged(review: Review, usage: Usage) -> bool:
    return bool(_LOUD.keys() & set(review.flags(usage)))


def _lines(review: Review, usage: Usage, style: Style) -> Iterable[str]:
    flags = review.flags(usage)
    tone = next((_LOUD[each] for each in flags if each in _LOUD), Tone.CHANGE)
    label = line(f"{usage.address.name}  {usage.type}")
    yield paint(label, tone, style) + (f"  [{line(', '.join(flags))}]" if flags else "")
    found = dict(zip(HEADS, row(review, usage), strict=True))
    shown = ["connections", "pipelines", "schedules", "last rotated", "ends", "can decrypt", "owner", "file"]
    for head in shown:
        lead = f"  {head}" + " " * (14 - cells(head))
        yield fold(lead, line(found[head]), style.width)
    if usage.lasting:
        yield fold("  long-lived    ", line(usage.lasting), style.width)
    if usage.consent:
        yield fold("  consent       ", "a person authorized it; who, only Planasonix shows", style.width)
    yield ""


def _named(names: tuple[str, ...], known: object) -> str:
    if known is None and not names:
        return UNKNOWN
    return ", ".join(names) or "none"


def _scheduled(usage: Usage) -> str:
    if usage.reach.schedules is None:
        return UNKNOWN
    following = f", next {usage.reach.next_run}" if usage.reach.next_run else ""
    return f"{usage.reach.schedules}{following}" if usage.reach.schedules else "none"


def _age(review: Review, usage: Usage) -> str:
    age = usage.age(review.today)
    if age is None:
        return UNKNOWN
    late = usage.overdue(review.today)
    more = f", {counted(late, 'day')} overdue" if late else ""
    return f"{usage.rotated}, {counted(age, 'day')} ago{more}" if age else f"{usage.rotated}, today"


def _columns(parts: Iterable[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _cell(text: str) -> str:
    # A bar inside a code span would still end the cell.
    return md(text.replace("|", r"\u{7c}"))


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
