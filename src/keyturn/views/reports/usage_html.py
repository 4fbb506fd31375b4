"""The review as one HTML page: a picture, and a table that can be searched; nothing is loaded."""

import re
from typing import Final

from keyturn.model.diagnostic import pluralize
from keyturn.model.usage import UsageReport
from keyturn.views.diagram import MAX_COLUMN_BOXES, DependencyLink, draw_dependency_svg
from keyturn.views.escaping import escape_html as safe
from keyturn.views.html_page import render_html_page
from keyturn.views.reports.usage import USAGE_COLUMNS, build_usage_row, summarize_usage

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
"""Hides the rows that lack one of the words; the page is whole without it."""

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
    """Return the review as an HTML page whose policy lets in its own sheet and script, and nothing else."""
    title = f"Credentials of {safe(report.workspace)}"
    drawn = draw_dependency_svg(_build_links(report), _mark_credentials(report))
    counts = "".join(
        f"<li{_mute_zero(number)}><b>{number:,}</b> {safe(word)}</li>"
        for word, number in report.count_by_class().items()
    )
    figure = (
        f"<section>\n<h2>What depends on what</h2>\n{_render_limits(report)}{drawn}\n</section>"
        if drawn
        else ""
    )
    table = f"{_SEARCH_BOX}\n{_render_table(report)}"
    # Below a long table nobody would come upon the picture.
    parts = [figure, table] if len(report.usages) > MAX_COLUMN_BOXES else [table, figure]
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


def _mute_zero(number: int) -> str:
    return "" if number else ' class="none"'


def _render_table(report: UsageReport) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("credential", *_TABLE_COLUMNS))
    rows = "\n".join(
        _render_row(dict(zip(USAGE_COLUMNS, build_usage_row(report, each), strict=True)))
        for each in report.usages
    )
    return f'<table id="review">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'


def _render_row(found: dict[str, str]) -> str:
    below = "".join(f'<br><span class="place">{safe(found[head])}</span>' for head in _NAME_CELL_COLUMNS)
    name = f'<th scope="row"><code>{safe(found["credential"])}</code>{below}</th>'
    cells = "".join(
        f'<td class="mono">{safe(_shorten_keys(found[head]))}</td>'
        if head in _MONOSPACE_COLUMNS
        else f"<td>{safe(found[head])}</td>"
        for head in _TABLE_COLUMNS
    )
    return f"<tr>{name}{cells}</tr>"


def _shorten_keys(text: str) -> str:
    # A key's beginning and end tell it from any other; the whole of it is in the JSON.
    return _KEY_PATTERN.sub(lambda found: f"{found[0][:10]}…{found[0][-6:]}", text)


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
    said = []
    if len(report.usages) > MAX_COLUMN_BOXES:
        whole = pluralize(len(report.usages), "credential")
        said.append(
            f"There is room for {MAX_COLUMN_BOXES} of {whole}, those that are overdue, expiring or unused first, "
            "and for what hangs on them. The table has all of them."
        )
    hidden = {
        word: sum(getattr(usage.users, word) is None for usage in report.usages)
        for word in ("pipelines", "syncs", "schedules")
    }
    unknown = [word for word, number in hidden.items() if number]
    if unknown:
        said.append(f"Not known, and so not drawn: {', '.join(unknown)}.")
    return "".join(f'<p class="limits">{safe(each)}</p>\n' for each in said)


def _mark_credentials(report: UsageReport) -> dict[str, str]:
    flagged = ((usage, report.classes_of(usage)) for usage in report.usages)
    return {
        str(usage.address): next(mark for mark in _URGENT_FLAGS if mark in flags)
        for usage, flags in flagged
        if not set(_URGENT_FLAGS).isdisjoint(flags)
    }
