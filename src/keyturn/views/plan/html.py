"""A plan as one self-contained HTML page: no script, nothing loaded, light and dark."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from keyturn.views.diagram import draw_dependency_svg
from keyturn.views.escaping import escape_html as safe
from keyturn.views.html_page import class_for_count, render_html_page
from keyturn.views.plan.model import (
    DetailRow,
    FieldRow,
    NoteRow,
    PlanEntry,
    PlanSection,
    PlanView,
    SecretRow,
    SectionKind,
)
from keyturn.views.plan.size_budget import MAX_REPEATED_ENTRIES, TRUNCATION_HINT, TRUNCATION_PATTERN
from keyturn.views.plan.wording import limit_steps, name_secret_status

_CODE_SPAN: Final = re.compile(r"`([^`]+)`")
_EXPANDED_KINDS: Final = frozenset(
    {
        SectionKind.EXPOSURE,
        SectionKind.ACCESS,
        SectionKind.RETIRE,
        SectionKind.REPLACE,
        SectionKind.DIAGNOSTIC,
    }
)


def render_plan_html(view: PlanView) -> str:
    """Return the plan as an HTML page with all entries; only the diagram may omit nodes, and says so."""
    title = f"Keyturn plan for {safe(view.workspace)}"
    diagram = draw_dependency_svg(view.links, view.node_marks)
    body = [
        '<a class="skip" href="#changes">Skip to the changes</a>',
        f"<header>{_render_header(view)}</header>",
        '<main id="changes">',
        *map(_render_section, view.sections),
        _render_diagram(diagram) if diagram else "",
        "</main>",
    ]
    hint = f"<p>{TRUNCATION_HINT}.</p>\n" if any(map(TRUNCATION_PATTERN.search, body)) else ""
    body.append(f"<footer>{hint}{_render_footer(view)}</footer>")
    return render_html_page(title, "\n".join(filter(None, body)))


def _render_header(view: PlanView) -> str:
    scope = f"Workspace <code>{safe(view.workspace)}</code>"
    if view.organization:
        scope += f", organization <code>{safe(view.organization)}</code>"
    known = f"{view.resources:,} resource{'' if view.resources == 1 else 's'} in git"
    parts = ["<h1>Keyturn plan</h1>", f"<p>{scope}: {known}.</p>", _render_counts(view)]
    if view.blocked_summary:
        parts.append(f'<p class="banner danger">{safe(view.blocked_summary)}</p>')
    if view.offline:
        parts.append('<p class="banner care">Offline: the workspace was not read.</p>')
    if view.base_summary:
        parts.append(f"<p>{_render_prose(view.base_summary)}</p>")
    return "\n".join(parts)


def _render_counts(view: PlanView) -> str:
    items = [
        *view.counts.items(),
        ("needs attention" if view.attention_count == 1 else "need attention", view.attention_count),
    ]
    cells = "".join(
        f"<li{class_for_count(number)}><b>{number:,}</b> {word if 'attention' in word else f'to {word}'}</li>"
        for word, number in items
    )
    return f'<ul class="counts">{cells}</ul>'


def _render_section(section: PlanSection) -> str:
    title = f'<h2 class="{section.tone.value}">{safe(section.title)} ({section.total_count:,})</h2>'
    entries = "\n".join(
        _render_entry(entry, expanded=section.kind in _EXPANDED_KINDS) for entry in section.entries
    )
    return f"<section>\n{title}\n{entries}\n</section>"


def _render_entry(entry: PlanEntry, *, expanded: bool) -> str:
    head = (
        f'<span class="symbol {entry.tone.value}" aria-hidden="true">{safe(entry.symbol)}</span>'
        f"<code>{safe(entry.label)}</code> {_render_prose(entry.headline)}"
    )
    if entry.location:
        head += f' <span class="place mono">{safe(entry.location)}</span>'
    if not entry.details:
        return f'<div class="entry">{head}</div>'
    tables = "\n".join(_render_tables(entry.details))
    return f"<details{' open' if expanded else ''}><summary>{head}</summary>\n{tables}\n</details>"


def _render_tables(details: tuple[DetailRow, ...]) -> Iterator[str]:
    for kind, group in groupby(details, key=type):
        rows = list(group)
        headers = _TABLE_HEADERS[kind]
        drift = any(isinstance(row, FieldRow) and row.applied for row in rows)
        columns = (*headers, "last applied") if drift else headers
        cells = "\n".join(_render_row(row, drift=drift) for row in rows)
        titles = "".join(f'<th scope="col">{title}</th>' for title in columns)
        thead = f"<thead><tr>{titles}</tr></thead>\n" if titles else ""
        yield f"<table>\n{thead}<tbody>\n{cells}\n</tbody></table>"


_TABLE_HEADERS: Final[dict[type, tuple[str, ...]]] = {
    FieldRow: ("field", "live", "desired"),
    SecretRow: ("secret", "status", "reason"),
    NoteRow: (),
}


def _render_row(detail: DetailRow, *, drift: bool) -> str:
    match detail:
        case FieldRow():
            applied = [detail.applied or "same as live"] if drift else []
            cells = [detail.before, detail.after, *applied]
            return _render_cells(detail.path, [f"<code>{safe(cell)}</code>" for cell in cells])
        case SecretRow():
            return _render_cells(
                detail.path, [f"<b>{safe(name_secret_status(detail))}</b>", safe(detail.reason)]
            )
        case NoteRow():
            return _render_cells(detail.topic, [_render_prose(detail.text)])


def _render_prose(text: str) -> str:
    return _CODE_SPAN.sub(r"<code>\1</code>", safe(text))


def _render_cells(name: str, cells: list[str]) -> str:
    rest = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row" class="mono">{safe(name)}</th>{rest}</tr>'


def _render_diagram(diagram: str) -> str:
    return f"<section>\n<h2>Dependencies</h2>\n{diagram}\n</section>"


def _render_repeated(view: PlanView) -> str:
    lines = [
        f'<li><span class="symbol {entry.tone.value}" aria-hidden="true">{safe(entry.symbol)}</span>'
        f"<code>{safe(entry.label)}</code> {_render_prose(entry.headline)}</li>"
        for entry in view.repeated[:MAX_REPEATED_ENTRIES]
    ]
    if len(view.repeated) > MAX_REPEATED_ENTRIES:
        lines.append(f"<li>and {len(view.repeated) - MAX_REPEATED_ENTRIES:,} more, above</li>")
    return (
        '<h2 class="danger">Before you approve</h2>\n<ul class="repeated">\n' + "\n".join(lines) + "\n</ul>"
    )


def _render_footer(view: PlanView) -> str:
    parts = [_render_repeated(view)] if view.repeated else []
    if view.cost_summary:
        parts.append(f"<p>{safe(view.cost_summary)}</p>")
    parts += [f"<p>Next: {safe(step)}</p>" for step in limit_steps(view.next_steps)]
    if view.approve_command:
        parts.append(f"<p>Approve with <code>{safe(view.approve_command)}</code></p>")
    return "\n".join([*parts, f"<p><b>{safe(view.summary)}</b></p>"])
