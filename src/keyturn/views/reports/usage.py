"""The usage report as text, Markdown, CSV, JSON or HTML."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar, Final

from msgspec import Struct

from keyturn.model.usage import CredentialUsage, UsageReport
from keyturn.views.escaping import escape_line, escape_markdown
from keyturn.views.report_formats import render_in_format, render_report_json
from keyturn.views.reports.usage_cells import USAGE_COLUMNS, build_usage_row, summarize_usage
from keyturn.views.reports.usage_html import render_usage_html
from keyturn.views.terminal import (
    PLAIN_STYLE,
    TerminalStyle,
    Tone,
    colorize,
    display_width,
    make_bold,
    wrap_text,
)

_URGENT_TONES: Final = {"overdue": Tone.DANGER, "expiring": Tone.DANGER, "unused": Tone.WARNING}
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_TEXT_COLUMNS: Final = (
    "connections", "pipelines", "schedules", "last rotated", "expires", "can decrypt", "owner", "file",
)  # fmt: skip
_TOPIC_WIDTH: Final = 14


class _UsageDocument(Struct, frozen=True):
    report: UsageReport

    format_version: ClassVar[str] = "1.0"

    def build_header(self) -> Mapping[str, object]:
        return {
            "workspace": self.report.workspace,
            "organization": self.report.organization,
            "date": str(self.report.today),
            "notice_days": self.report.notice_days,
        }

    def build_items(self) -> Mapping[str, object]:
        return {
            "notes": list(self.report.notes),
            "credentials": [_usage_to_json(self.report, usage) for usage in self.report.usages],
        }

    def count_results(self) -> Mapping[str, int]:
        return {**self.report.count_by_class(), "credentials": len(self.report.usages)}

    def summarize(self) -> str:
        return summarize_usage(self.report)

    def render_lines(self, style: TerminalStyle) -> Iterator[str]:
        ranked = sorted(
            self.report.usages, key=lambda usage: (not _find_urgent(self.report, usage), usage.address)
        )
        for usage in ranked:
            yield from _render_credential(self.report, usage, style)
        for note in self.report.notes:
            yield colorize(wrap_text("note: ", escape_line(note), style.width), Tone.WARNING, style)


def render_usage(report: UsageReport, format_name: str = "text", style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a usage report in one of the formats; raises ValueError for another.

    ``text`` has the urgent credentials first; ``markdown`` is a document with one table; ``csv`` is RFC
    4180 with CR LF; ``json`` follows ``schemas/usage.schema.json``, with null for unknown; ``html`` is a
    self-contained page with a table that can be searched.
    """
    return render_in_format(USAGE_RENDERERS, report, format_name, style)


def _render_text(report: UsageReport, style: TerminalStyle) -> str:
    document = _UsageDocument(report)
    return "\n".join([*document.render_lines(style), make_bold(document.summarize(), style)]) + "\n"


def _render_markdown(report: UsageReport, _: TerminalStyle) -> str:
    head = f"# Credentials of {escape_markdown(report.workspace)}, {report.today}"
    table = [_join_columns(USAGE_COLUMNS), _join_columns("---" for _ in USAGE_COLUMNS)]
    table += [_join_columns(map(_escape_cell, build_usage_row(report, usage))) for usage in report.usages]
    notes = [f"> {escape_markdown(note)}" for note in report.notes]
    return "\n\n".join([head, escape_markdown(summarize_usage(report)), *notes, "\n".join(table)]) + "\n"


def _render_csv(report: UsageReport, _: TerminalStyle) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(USAGE_COLUMNS)
    writer.writerows(
        [_neutralize_formula(escape_line(cell)) for cell in build_usage_row(report, usage)]
        for usage in report.usages
    )
    return text.getvalue()


def _render_json(report: UsageReport, _: TerminalStyle) -> str:
    return render_report_json(_UsageDocument(report))


def _render_html(report: UsageReport, _: TerminalStyle) -> str:
    return render_usage_html(report)


USAGE_RENDERERS: Final[Mapping[str, Callable[[UsageReport, TerminalStyle], str]]] = {
    "text": _render_text,
    "markdown": _render_markdown,
    "csv": _render_csv,
    "json": _render_json,
    "html": _render_html,
}
"""The renderers of the usage report by format name."""


def _usage_to_json(report: UsageReport, usage: CredentialUsage) -> dict[str, object]:
    users = usage.users
    return {
        "address": str(usage.address),
        "type": usage.type,
        "file": usage.file or None,
        "status": usage.status or None,
        "owner": usage.owner or None,
        "flags": list(report.classes_of(usage)),
        "used": users.is_used,
        "connections": list(users.connections),
        "connections_complete": users.complete,
        "pipelines": None if users.pipelines is None else list(users.pipelines),
        "syncs": None if users.syncs is None else list(users.syncs),
        "schedules": users.schedules,
        "next_run": users.next_run or None,
        "last_rotated": str(usage.rotated) if usage.rotated else None,
        "age_days": usage.age_in_days(report.today),
        "max_age_days": usage.max_age_days or None,
        "overdue_days": usage.days_overdue(report.today),
        "ends": [{"what": expiry.description, "on": str(expiry.day)} for expiry in usage.expiries],
        "long_lived": usage.long_lived_reason or None,
        "needs_consent": usage.needs_consent,
        "readers": None if usage.recipients is None else list(usage.recipients),
    }


def _find_urgent(report: UsageReport, usage: CredentialUsage) -> list[str]:
    return [name for name in report.classes_of(usage) if name in _URGENT_TONES]


def _render_credential(report: UsageReport, usage: CredentialUsage, style: TerminalStyle) -> Iterator[str]:
    classes, urgent = report.classes_of(usage), _find_urgent(report, usage)
    tone = _URGENT_TONES[urgent[0]] if urgent else Tone.CHANGE
    head = colorize(escape_line(f"{usage.address.name}  {usage.type}"), tone, style)
    yield head + (f"  [{escape_line(', '.join(classes))}]" if classes else "")
    cells = dict(zip(USAGE_COLUMNS, build_usage_row(report, usage), strict=True))
    rows = {column: cells[column] for column in _TEXT_COLUMNS}
    if usage.long_lived_reason:
        rows["long-lived"] = usage.long_lived_reason
    if usage.needs_consent:
        rows["consent"] = "a person must authorize it; only Planasonix shows who did"
    for topic, text in rows.items():
        lead = f"  {topic}{' ' * (_TOPIC_WIDTH - display_width(topic))}"
        yield wrap_text(lead, escape_line(text), style.width)
    yield ""


def _join_columns(parts: Iterable[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _escape_cell(text: str) -> str:
    # A bar inside a code span would still end the cell.
    return escape_markdown(text.replace("|", r"\u{7c}"))


def _neutralize_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
