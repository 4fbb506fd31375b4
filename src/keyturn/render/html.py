"""A plan as one self-contained HTML page: no script, nothing loaded, light and dark."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from keyturn.render.fit import CUT, REPEATED, UNCUT
from keyturn.render.parts import Detail, Entry, FieldRow, Note, Part, SecretRow, Section, View
from keyturn.render.picture import picture
from keyturn.render.safe import html as safe
from keyturn.render.sheet import page

_CODE: Final = re.compile(r"`([^`]+)`")
_OPEN: Final = frozenset({Part.EXPOSURE, Part.ACCESS, Part.RETIRE, Part.REPLACE, Part.FINDING})


def html(view: View) -> str:
    """Return the plan as an HTML page; nothing of it is left out but what the picture says it omits."""
    title = f"Keyturn plan for {safe(view.workspace)}"
    drawn = picture(view.links, view.marked)
    body = [
        '<a class="skip" href="#changes">Skip to the changes</a>',
        f"<header>{_head(view)}</header>",
        '<main id="changes">',
        *map(_section, view.sections),
        _pictured(drawn) if drawn else "",
        "</main>",
    ]
    cut = f"<p>{UNCUT}.</p>\n" if any(map(CUT.search, body)) else ""
    body.append(f"<footer>{cut}{_foot(view)}</footer>")
    return page(title, "\n".join(filter(None, body)))


def _head(view: View) -> str:
    where = f"Workspace <code>{safe(view.workspace)}</code>"
    if view.organization:
        where += f", organization <code>{safe(view.organization)}</code>"
    known = f"{view.resources:,} resource{'' if view.resources == 1 else 's'} in git"
    parts = ["<h1>Keyturn plan</h1>", f"<p>{where}: {known}.</p>", _counts(view)]
    if view.refusals:
        found = "1 finding refuses" if view.refusals == 1 else f"{view.refusals:,} findings refuse"
        parts.append(f'<p class="banner danger">{found} this plan.</p>')
    if view.offline:
        parts.append('<p class="banner care">Offline: the workspace was not read.</p>')
    return "\n".join(parts)


def _counts(view: View) -> str:
    items = [
        *view.counts.items(),
        ("needs attention" if view.attention == 1 else "need attention", view.attention),
    ]
    cells = "".join(
        f"<li{_faint(number)}><b>{number:,}</b> {word if 'attention' in word else f'to {word}'}</li>"
        for word, number in items
    )
    return f'<ul class="counts">{cells}</ul>'


def _faint(number: int) -> str:
    return "" if number else ' class="none"'


def _section(section: Section) -> str:
    title = f'<h2 class="{section.tone.value}">{safe(section.title)} ({section.count:,})</h2>'
    entries = "\n".join(_entry(entry, opened=section.part in _OPEN) for entry in section.entries)
    return f"<section>\n{title}\n{entries}\n</section>"


def _entry(entry: Entry, *, opened: bool) -> str:
    head = (
        f'<span class="symbol {entry.tone.value}" aria-hidden="true">{safe(entry.symbol)}</span>'
        f"<code>{safe(entry.label)}</code> {_prose(entry.headline)}"
    )
    if entry.place:
        head += f' <span class="place mono">{safe(entry.place)}</span>'
    if not entry.details:
        return f'<div class="entry">{head}</div>'
    tables = "\n".join(_tables(entry.details))
    return f"<details{' open' if opened else ''}><summary>{head}</summary>\n{tables}\n</details>"


def _tables(details: tuple[Detail, ...]) -> Iterator[str]:
    for kind, group in groupby(details, key=type):
        rows = list(group)
        head = _HEADS[kind]
        drift = any(isinstance(row, FieldRow) and row.applied for row in rows)
        columns = (*head, "last applied") if drift else head
        cells = "\n".join(_row(row, drift=drift) for row in rows)
        titles = "".join(f'<th scope="col">{title}</th>' for title in columns)
        thead = f"<thead><tr>{titles}</tr></thead>\n" if titles else ""
        yield f"<table>\n{thead}<tbody>\n{cells}\n</tbody></table>"


_HEADS: Final[dict[type, tuple[str, ...]]] = {
    FieldRow: ("field", "live now", "in git"),
    SecretRow: ("secret", "state", "because"),
    Note: (),
}


def _row(detail: Detail, *, drift: bool) -> str:
    match detail:
        case FieldRow():
            applied = [detail.applied or "as live"] if drift else []
            cells = [detail.before, detail.after, *applied]
            return _cells(detail.path, [f"<code>{safe(cell)}</code>" for cell in cells])
        case SecretRow():
            return _cells(detail.path, [f"<b>{safe(detail.state)}</b>", safe(detail.reason)])
        case Note():
            return _cells(detail.topic, [_prose(detail.text)])


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", safe(text))


def _cells(name: str, cells: list[str]) -> str:
    rest = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row" class="mono">{safe(name)}</th>{rest}</tr>'


def _pictured(drawn: str) -> str:
    return f"<section>\n<h2>What depends on what</h2>\n{drawn}\n</section>"


def _repeated(view: View) -> str:
    lines = [
        f'<li><span class="symbol {entry.tone.value}" aria-hidden="true">{safe(entry.symbol)}</span>'
        f"<code>{safe(entry.label)}</code> {_prose(entry.headline)}</li>"
        for entry in view.repeated[:REPEATED]
    ]
    if len(view.repeated) > REPEATED:
        lines.append(f"<li>and {len(view.repeated) - REPEATED:,} more, above</li>")
    return '<h2 class="danger">Before you approve</h2>\n<ul class="again">\n' + "\n".join(lines) + "\n</ul>"


def _foot(view: View) -> str:
    parts = [_repeated(view)] if view.repeated else []
    if view.cost:
        parts.append(f"<p>{safe(view.cost)}</p>")
    if view.approve:
        parts.append(f"<p>Approve with <code>{safe(view.approve)}</code></p>")
    return "\n".join([*parts, f"<p><b>{safe(view.summary)}</b></p>"])
