"""The review told: to people in a terminal or a document, to programs, to a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from keyturn.model.diagnostic import pluralize, pluralize_or_none
from keyturn.model.usage import CredentialUsage, UsageReport
from keyturn.views.escaping import escape_line, escape_markdown
from keyturn.views.json_output import dump_pretty
from keyturn.views.terminal import (
    PLAIN_STYLE,
    TerminalStyle,
    Tone,
    colorize,
    display_width,
    make_bold,
    wrap_text,
)

USAGE_FORMAT_VERSION: Final = "1.0"
UNKNOWN_TEXT: Final = "unknown"

USAGE_COLUMNS: Final = (
    "credential", "type", "flags", "connections", "pipelines", "schedules", "last rotated", "max age", "ends",
    "can decrypt", "owner", "file",
)  # fmt: skip

_FLAG_TONES: Final = {"overdue": Tone.DANGER, "expiring": Tone.DANGER, "unused": Tone.WARNING}
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def build_usage_row(report: UsageReport, usage: CredentialUsage) -> tuple[str, ...]:
    """Return a credential's cells in the order of ``HEADS``, not yet made safe for any sink."""
    reach = usage.users
    connections = ", ".join(reach.connections)
    if not reach.complete:
        connections = f"{connections} (there may be more)" if connections else UNKNOWN_TEXT
    return (
        usage.address.name,
        usage.type,
        ", ".join(report.classes_of(usage)),
        connections or "none",
        _format_names(
            (*(reach.pipelines or ()), *(f"sync {each}" for each in reach.syncs or ())), reach.pipelines
        ),
        _format_schedules(usage),
        _format_age(report, usage),
        pluralize_or_none(usage.max_age_days, "day") if usage.max_age_days else "not stated",
        "; ".join(f"{each.description} on {each.day}" for each in usage.expiries) or "nothing known",
        UNKNOWN_TEXT
        if usage.recipients is None
        else f"{len(usage.recipients)}: {', '.join(usage.recipients)}",
        usage.owner or "not stated",
        usage.file or "not in git",
    )


def summarize_usage(report: UsageReport) -> str:
    """Return the last line: ``Usage: 7 credentials, 1 overdue, 0 expiring, 2 unused, …``."""
    counts = ", ".join(f"{number} {word}" for word, number in report.count_by_class().items())
    return f"Usage: {pluralize(len(report.usages), 'credential')}, {counts}."


def render_usage_text(report: UsageReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the review for a terminal: what needs attention first, each credential in a few lines."""
    ranked = sorted(report.usages, key=lambda each: (not _has_urgent_flag(report, each), each.address))
    lines = [text for each in ranked for text in _render_usage_lines(report, each, style)]
    notes = [
        colorize(wrap_text("note: ", escape_line(note), style.width), Tone.WARNING, style)
        for note in report.notes
    ]
    return "\n".join([*lines, *notes, make_bold(summarize_usage(report), style)]) + "\n"


def render_usage_markdown(report: UsageReport) -> str:
    """Return the review as a Markdown document with one table."""
    head = f"# Credentials of {escape_markdown(report.workspace)}, {report.today}"
    table = [_join_columns(USAGE_COLUMNS), _join_columns("---" for _ in USAGE_COLUMNS)]
    table += [_join_columns(map(_escape_cell, build_usage_row(report, each))) for each in report.usages]
    notes = [f"> {escape_markdown(note)}" for note in report.notes]
    return "\n\n".join([head, escape_markdown(summarize_usage(report)), *notes, "\n".join(table)]) + "\n"


def render_usage_csv(report: UsageReport) -> str:
    """Return the review for a spreadsheet (RFC 4180); no cell is taken for a formula there."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(USAGE_COLUMNS)
    writer.writerows(
        [_neutralize_formula(escape_line(cell)) for cell in build_usage_row(report, each)]
        for each in report.usages
    )
    return text.getvalue()


def render_usage_json(report: UsageReport) -> str:
    """Return the review as JSON, as ``schemas/usage.schema.json`` says; null is what is not known."""
    return dump_pretty(
        {
            "format_version": USAGE_FORMAT_VERSION,
            "workspace": report.workspace,
            "organization": report.organization,
            "date": str(report.today),
            "notice_days": report.notice_days,
            "summary": {
                **report.count_by_class(),
                "credentials": len(report.usages),
                "line": summarize_usage(report),
            },
            "notes": list(report.notes),
            "credentials": [_usage_to_json(report, each) for each in report.usages],
        }
    )


def _usage_to_json(report: UsageReport, usage: CredentialUsage) -> dict[str, Any]:
    reach = usage.users
    return {
        "address": str(usage.address),
        "type": usage.type,
        "file": usage.file or None,
        "status": usage.status or None,
        "owner": usage.owner or None,
        "flags": list(report.classes_of(usage)),
        "used": reach.is_used,
        "connections": list(reach.connections),
        "connections_complete": reach.complete,
        "pipelines": None if reach.pipelines is None else list(reach.pipelines),
        "syncs": None if reach.syncs is None else list(reach.syncs),
        "schedules": reach.schedules,
        "next_run": reach.next_run or None,
        "last_rotated": str(usage.rotated) if usage.rotated else None,
        "age_days": usage.age_in_days(report.today),
        "max_age_days": usage.max_age_days or None,
        "overdue_days": usage.days_overdue(report.today),
        "ends": [{"what": each.description, "on": str(each.day)} for each in usage.expiries],
        "long_lived": usage.long_lived_reason or None,
        "needs_consent": usage.needs_consent,
        "readers": None if usage.recipients is None else list(usage.recipients),
    }


def _has_urgent_flag(report: UsageReport, usage: CredentialUsage) -> bool:
    return bool(_FLAG_TONES.keys() & set(report.classes_of(usage)))


def _render_usage_lines(report: UsageReport, usage: CredentialUsage, style: TerminalStyle) -> Iterable[str]:
    flags = report.classes_of(usage)
    tone = next((_FLAG_TONES[each] for each in flags if each in _FLAG_TONES), Tone.CHANGE)
    label = escape_line(f"{usage.address.name}  {usage.type}")
    yield colorize(label, tone, style) + (f"  [{escape_line(', '.join(flags))}]" if flags else "")
    found = dict(zip(USAGE_COLUMNS, build_usage_row(report, usage), strict=True))
    shown = ["connections", "pipelines", "schedules", "last rotated", "ends", "can decrypt", "owner", "file"]
    for head in shown:
        lead = f"  {head}" + " " * (14 - display_width(head))
        yield wrap_text(lead, escape_line(found[head]), style.width)
    if usage.long_lived_reason:
        yield wrap_text("  long-lived    ", escape_line(usage.long_lived_reason), style.width)
    if usage.needs_consent:
        yield wrap_text("  consent       ", "a person authorized it; who, only Planasonix shows", style.width)
    yield ""


def _format_names(names: tuple[str, ...], known: object) -> str:
    if known is None and not names:
        return UNKNOWN_TEXT
    return ", ".join(names) or "none"


def _format_schedules(usage: CredentialUsage) -> str:
    if usage.users.schedules is None:
        return UNKNOWN_TEXT
    following = f", next {usage.users.next_run}" if usage.users.next_run else ""
    return f"{usage.users.schedules}{following}" if usage.users.schedules else "none"


def _format_age(report: UsageReport, usage: CredentialUsage) -> str:
    age = usage.age_in_days(report.today)
    if age is None:
        return UNKNOWN_TEXT
    late = usage.days_overdue(report.today)
    more = f", {pluralize_or_none(late, 'day')} overdue" if late else ""
    return f"{usage.rotated}, {pluralize_or_none(age, 'day')} ago{more}" if age else f"{usage.rotated}, today"


def _join_columns(parts: Iterable[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _escape_cell(text: str) -> str:
    # A bar inside a code span would still end the cell.
    return escape_markdown(text.replace("|", r"\u{7c}"))


def _neutralize_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
