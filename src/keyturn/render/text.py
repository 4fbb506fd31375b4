"""A plan as text for a terminal or a log; the parseable summary is its last line."""

from collections.abc import Iterator
from typing import Final

from keyturn.render.cells import cells, fold
from keyturn.render.fit import CUT, REPEATED, UNCUT
from keyturn.render.parts import Detail, Entry, FieldRow, Note, Part, SecretRow, Section, Tone, View
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint, strong

_PATH: Final = 28
_PLACED: Final = frozenset({Part.EXPOSURE, Part.ACCESS, Part.FINDING})
_STATES: Final = {
    "set": Tone.GAIN,
    "rotated": Tone.CARE,
    "reused": Tone.DANGER,
    "unknown": Tone.CARE,
    "suspect": Tone.CARE,
    "cleared": Tone.DANGER,
}
_MARKS: Final = {"+": Tone.GAIN, "-": Tone.DANGER, "~": Tone.CHANGE}


def text(view: View, style: Style = PLAIN) -> str:
    """Return the plan as text, ending in a line feed; every entry is there with all its details.

    A value or a list of names that is very long is cut short aloud, and it is said where it is whole.
    """
    blocks = [_head(view, style), *(_section(section, style) for section in view.sections)]
    cut = any(map(CUT.search, blocks))
    if view.repeated and len(view.sections) > 1:
        blocks.append(_repeated(view, style))
    blocks.append(_foot(view, style, cut=cut))
    return "\n\n".join(blocks) + "\n"


def _head(view: View, style: Style) -> str:
    who = f"Workspace {line(view.workspace)}"
    if view.organization:
        who += f", organization {line(view.organization)}"
    known = f"{view.resources:,} resource{'' if view.resources == 1 else 's'} in git"
    offline = "\nOffline: the workspace was not read." if view.offline else ""
    return strong(fold("", f"{who}: {known}.", style.width), style) + offline


def _section(section: Section, style: Style) -> str:
    title = f"{section.title} ({section.count:,})"
    return "\n".join(
        [
            paint(title, section.tone, style, bold=True),
            *(_entry(entry, style, placed=section.part in _PLACED) for entry in section.entries),
        ]
    )


def _entry(entry: Entry, style: Style, *, placed: bool) -> str:
    return "\n".join([_line(entry, style, placed=placed), *_details(entry, style)])


def _line(entry: Entry, style: Style, *, placed: bool = False) -> str:
    mark = f"  {entry.symbol} "
    label = line(entry.label)
    place = f"  [{line(entry.place)}]" if placed and entry.place else ""
    said = f"{label}  {line(entry.headline)}{place}"
    folded = fold(mark, said, style.width)
    if not folded.startswith(mark + label):
        return folded
    return f"  {paint(entry.symbol + ' ' + label, entry.tone, style)}{folded[len(mark + label) :]}"


def _details(entry: Entry, style: Style) -> Iterator[str]:
    names = [cells(line(_name(detail))) for detail in entry.details]
    column = min(max(names, default=0), _PATH)
    for detail in entry.details:
        name = line(_name(detail))
        gap = " " * max(2, column + 2 - cells(name))
        lead = f"      {_mark(detail)} {name}{gap}"
        yield _tinted(fold(lead, _said(detail), style.width), detail, style)


def _name(detail: Detail) -> str:
    match detail:
        case FieldRow():
            return detail.path
        case SecretRow():
            return f"secrets.{detail.path}"
        case Note():
            return detail.topic


def _mark(detail: Detail) -> str:
    return detail.mark if isinstance(detail, FieldRow) else " "


def _said(detail: Detail) -> str:
    match detail:
        case FieldRow(applied=applied) if applied:
            return (
                f"drift: we applied {line(applied)}, live is {line(detail.before)}, "
                f"git wants {line(detail.after)}"
            )
        case FieldRow(mark="+"):
            return line(detail.after)
        case FieldRow():
            return f"{line(detail.before)} → {line(detail.after)}"
        case SecretRow():
            return line(f"{detail.state}: {detail.reason}" if detail.reason else detail.state)
        case Note():
            return line(detail.text)


def _tinted(folded: str, detail: Detail, style: Style) -> str:
    match detail:
        case FieldRow():
            tone = _MARKS[detail.mark]
        case SecretRow():
            tone = _STATES.get(detail.state, Tone.QUIET)
        case Note():
            tone = Tone.QUIET
    return "\n".join(paint(each, tone, style) for each in folded.split("\n"))


def _repeated(view: View, style: Style) -> str:
    lines = [_line(entry, style) for entry in view.repeated[:REPEATED]]
    if len(view.repeated) > REPEATED:
        lines.append(f"  and {len(view.repeated) - REPEATED:,} more, above")
    return "\n".join([paint("Before you approve", Tone.DANGER, style, bold=True), *lines])


def _foot(view: View, style: Style, *, cut: bool) -> str:
    lines = [fold("", f"{UNCUT}.", style.width)] if cut else []
    if view.refusals:
        found = "1 finding refuses" if view.refusals == 1 else f"{view.refusals:,} findings refuse"
        lines.append(paint(f"{found} this plan: see Findings.", Tone.DANGER, style))
    if view.cost:
        lines.append(view.cost)
    if view.approve:
        lines.append(f"Approve with: {view.approve}")
    return "\n".join([*lines, strong(view.summary, style)])
