"""A plan as markdown for a comment on a pull request: counts first, details folded.

However large the plan, the comment keeps its budget: detail is left out by class, the least risky
first, never a class itself, and what was left out is said.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from keyturn.core.change import SecretState
from keyturn.render.fit import CUT, FULL, REPEATED, UNCUT, fit
from keyturn.render.parts import Detail, Entry, FieldRow, Note, Part, SecretRow, Section, View
from keyturn.render.safe import fence, inline_code, line, md, percent

COMMENT: Final = 60 * 1024
"""Bytes of a comment: GitHub takes 65,536 characters, and the caller may add a line of its own."""

STEP_SUMMARY: Final = 960 * 1024
"""Bytes of a step summary: GitHub takes 1 MiB a step."""

WHOLE: Final = "`keyturn plan` prints the whole of it, and so does the HTML report."

_CLIP: Final = 400
_SHORT: Final = 120
_RARE: Final = frozenset({"replace", "adopt", "forget"})
_OPEN: Final = frozenset({Part.EXPOSURE, Part.ACCESS, Part.RETIRE, Part.REPLACE})
# Column 0 of a diff fence colours the line: + green, - red, ! orange, # grey.
_COLUMN: Final = {"-": "-", "+": "+", "^": "+", "✗": "-", "=": "#", ".": "#", "·": "#"}
_FIELDS: Final = {"+": "+", "-": "-", "~": "!"}
_LOUD: Final = {state.value for state in SecretState} - {"unchanged", "kept"}


def markdown(view: View, *, budget: int = COMMENT, whole: str = WHOLE) -> str:
    """Return the plan as CommonMark with GitHub's tables, at most ``budget`` bytes of UTF-8.

    It begins with a marker by which a comment is found again and ends with the summary line.
    ``whole`` is markdown that says where everything can be read; it is trusted.
    """
    head, foot = _head(view), _foot(view)
    size = len(f"{head}\n\n{foot}\n{UNCUT}".encode()) + 2 * _CLIP + len(whole.encode())
    fitted = fit(view.sections, _section, budget - size)
    left_out = [f"**Left out to keep this short:** {fitted.said}. {whole}"] if fitted.said else []
    cut = [f"{UNCUT}."] if any(map(CUT.search, fitted.blocks)) else []
    return "\n\n".join([head, *left_out, *fitted.blocks, *cut, foot]) + "\n"


def marker(workspace: str) -> str:
    """Return the comment that a later run looks for, to edit its comment and not add another."""
    name = percent(workspace).replace("--", "-%2D")
    if len(name) > _CLIP:
        name = f"{name[:_SHORT]}~{hashlib.sha256(name.encode()).hexdigest()}"
    return f"<!-- keyturn:{name} -->"


def _head(view: View) -> str:
    title = f"### Keyturn plan for {inline_code(_clip(view.workspace))}"
    shown = {word: number for word, number in view.counts.items() if number or word not in _RARE}
    cells = {**shown, "need attention": view.attention}
    table = "\n".join(
        f"| {' | '.join(row)} |"
        for row in (cells.keys(), ["--:"] * len(cells), [f"{number:,}" for number in cells.values()])
    )
    lines = [marker(view.workspace), title, table]
    if view.refusals:
        found = "1 finding refuses" if view.refusals == 1 else f"{view.refusals:,} findings refuse"
        lines.append(f"**{found} this plan.**")
    if view.offline:
        lines.append("Offline: the workspace was not read.")
    return "\n\n".join(lines)


def _foot(view: View) -> str:
    blocks = []
    if view.repeated:
        lines = [_repeat(entry) for entry in view.repeated[:REPEATED]]
        if len(view.repeated) > REPEATED:
            lines.append(f"- and {len(view.repeated) - REPEATED:,} more, above")
        blocks.append("\n".join(["**Before you approve**", "", *lines]))
    said = [view.cost] if view.cost else []
    if view.approve:
        said.append(f"Approve with {inline_code(view.approve)}.")
    blocks += [" ".join(said)] if said else []
    return "\n\n".join([*blocks, view.summary])


def _repeat(entry: Entry) -> str:
    label, headline = _clip(entry.label, _SHORT), _clip(entry.headline, _SHORT)
    return f"- **{entry.symbol}** {inline_code(label)} {md(headline)}"


def _section(section: Section, level: int) -> str:
    title = f"{section.title} ({section.count:,})"
    if not level:
        return f"**{title}**: not listed here."
    entries = section.entries[:level]
    lines = [each for entry in entries for each in _entry(entry, details=level == FULL)]
    if len(entries) < len(section.entries):
        lines.append(f"# and {len(section.entries) - len(entries):,} more")
    opened = " open" if section.part in _OPEN else ""
    body = fence(tuple(lines), "diff")
    return f"<details{opened}><summary><b>{title}</b></summary>\n\n{body}\n\n</details>"


def _entry(entry: Entry, *, details: bool) -> Iterator[str]:
    column = _COLUMN.get(entry.symbol, "!")
    symbol = "" if entry.symbol == column else f"{entry.symbol} "
    place = f"  [{entry.place}]" if entry.place else ""
    yield _clip(f"{column} {symbol}{entry.label}  {entry.headline}{place}")
    if details:
        yield from (_clip(_detail(detail)) for detail in entry.details)


def _detail(detail: Detail) -> str:
    match detail:
        case FieldRow(applied=applied) if applied:
            moved = f"drift: we applied {applied}, live is {detail.before}, git wants {detail.after}"
            return f"!     {detail.path}: {moved}"
        case FieldRow(mark="+"):
            return f"+     {detail.path}: {detail.after}"
        case FieldRow():
            return f"{_FIELDS[detail.mark]}     {detail.path}: {detail.before} → {detail.after}"
        case SecretRow():
            reason = f" ({detail.reason})" if detail.reason else ""
            return (
                f"{'!' if detail.state in _LOUD else '#'}     secrets.{detail.path}: {detail.state}{reason}"
            )
        case Note():
            return f"#     {detail.topic}: {detail.text}"


def _clip(text: str, most: int = _CLIP) -> str:
    # Cut before it is made safe, which costs time, and after, for that may make it longer.
    safe = line(text[:most])
    more = len(text[most:]) + len(safe[most:])
    return f"{safe[:most]}… ({more:,} more characters)" if more else safe


def summary(view: View) -> str:
    """Return the plan for a step summary of GitHub: the same, with room for sixteen times as much."""
    return markdown(view, budget=STEP_SUMMARY)
