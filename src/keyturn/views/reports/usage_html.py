"""The usage report as one HTML page: a table that can be searched, and a diagram; nothing is loaded."""

import re
from typing import Final

from keyturn.model.diagnostic import pluralize
from keyturn.model.usage import UsageReport
from keyturn.views.diagram import MAX_COLUMN_BOXES, DependencyLink, draw_dependency_svg
from keyturn.views.escaping import escape_html as safe
from keyturn.views.html_page import class_for_count, render_html_page
from keyturn.views.reports.usage_cells import USAGE_COLUMNS, build_usage_row, summarize_usage

SEARCH_SCRIPT: Final = """
"use strict";
const box = document.getElementById("search");
const rows = Array.from(document.querySelectorAll("#review tbody tr"));
const found = document.getElementById("found");
box.closest("p").hidden = false;
const narrow = () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  found.textContent = `${shown} of ${rows.length}`;
};
box.addEventListener("input", narrow);
narrow();
"""
"""Hides the rows that lack one of the words; without the script, all rows are shown."""

_SEARCH_BOX: Final = (
    '<p hidden><label>Search <input id="search" type="search" autocomplete="off"></label> '
    '<span id="found" role="status"></span></p>'
)
_URGENT_FLAGS: Final = ("overdue", "expiring", "unused")
_KEY_PATTERN: Final = re.compile(r"\bage1[0-9a-z]{50,}|\b[0-9A-F]{40}\b")
_NAME_CELL_COLUMNS: Final = ("type", "owner", "file")
_TABLE_COLUMNS: Final = tuple(
    head for head in USAGE_COLUMNS if head not in {"credential", *_NAME_CELL_COLUMNS}
)
_MONOSPACE_COLUMNS: Final = frozenset({"connections", "can decrypt"})


def render_usage_html(report: UsageReport) -> str:
    """Return a self-contained HTML page; its content security policy allows only its own style and script."""
    title = f"Credentials of {safe(report.workspace)}"
    diagram = draw_dependency_svg(_build_links(report), _mark_credentials(report))
    counts = "".join(
        f"<li{class_for_count(number)}><b>{number:,}</b> {safe(name)}</li>"
        for name, number in report.count_by_class().items()
    )
    section = (
        f"<section>\n<h2>Dependencies</h2>\n{_render_limits(report)}{diagram}\n</section>" if diagram else ""
    )
    table = f"{_SEARCH_BOX}\n{_render_table(report)}"
    # Below a long table the diagram would be hard to find.
    parts = [section, table] if len(report.usages) > MAX_COLUMN_BOXES else [table, section]
    body = [
        f"<header><h1>{title}</h1>",
        f"<p>Organization <code>{safe(report.organization)}</code>, {report.today}.</p>",
        f'<ul class="counts">{counts}</ul>',
        *(f'<p class="banner care">{safe(note)}</p>' for note in report.notes),
        "</header>",
        "<main>",
        *parts,
        "</main>",
        f"<footer><p><b>{safe(summarize_usage(report))}</b></p></footer>",
    ]
    return render_html_page(title, "\n".join(filter(None, body)), SEARCH_SCRIPT)


def _render_table(report: UsageReport) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("credential", *_TABLE_COLUMNS))
    rows = "\n".join(
        _render_row(dict(zip(USAGE_COLUMNS, build_usage_row(report, usage), strict=True)))
        for usage in report.usages
    )
    return f'<table id="review">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'


def _render_row(cells: dict[str, str]) -> str:
    below = "".join(f'<br><span class="place">{safe(cells[head])}</span>' for head in _NAME_CELL_COLUMNS)
    name = f'<th scope="row"><code>{safe(cells["credential"])}</code>{below}</th>'
    columns = "".join(
        f'<td class="mono">{safe(_shorten_keys(cells[head]))}</td>'
        if head in _MONOSPACE_COLUMNS
        else f"<td>{safe(cells[head])}</td>"
        for head in _TABLE_COLUMNS
    )
    return f"<tr>{name}{columns}</tr>"


def _shorten_keys(text: str) -> str:
    # The start and the end identify a key; the JSON has all of it.
    return _KEY_PATTERN.sub(lambda key: f"{key[0][:10]}…{key[0][-6:]}", text)


def _build_links(report: UsageReport) -> tuple[DependencyLink, ...]:
    pairs = dict.fromkeys(
        pair
        for usage in report.usages
        for pair in (
            *((str(usage.address), f"connection/{each}") for each in usage.users.connections),
            *usage.users.links,
        )
    )
    return tuple(DependencyLink(source, target) for source, target in pairs)


def _render_limits(report: UsageReport) -> str:
    notes = []
    if len(report.usages) > MAX_COLUMN_BOXES:
        total = pluralize(len(report.usages), "credential")
        notes.append(
            f"The diagram shows {MAX_COLUMN_BOXES} of {total} with their users: overdue, expiring and unused "
            "credentials first. The table has all of them."
        )
    unknown = {
        word: sum(getattr(usage.users, word) is None for usage in report.usages)
        for word in ("pipelines", "syncs", "schedules")
    }
    missing = [word for word, number in unknown.items() if number]
    if missing:
        notes.append(f"Unknown, not in the diagram: {', '.join(missing)}.")
    return "".join(f'<p class="limits">{safe(note)}</p>\n' for note in notes)


def _mark_credentials(report: UsageReport) -> dict[str, str]:
    flagged = ((usage, report.classes_of(usage)) for usage in report.usages)
    return {
        str(usage.address): next(mark for mark in _URGENT_FLAGS if mark in flags)
        for usage, flags in flagged
        if not set(_URGENT_FLAGS).isdisjoint(flags)
    }
