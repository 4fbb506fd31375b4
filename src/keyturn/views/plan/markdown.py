"""A plan as markdown for a comment on a pull request: counts first, details folded.

However large the plan, the comment keeps its budget: detail is left out by class, the least risky
first, never a class itself, and what was left out is said.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from keyturn.model.change import SecretStatus
from keyturn.views.escaping import (
    escape_inline_code,
    escape_line,
    escape_markdown,
    percent_encode,
    render_code_fence,
)
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
from keyturn.views.plan.size_budget import (
    FULL_DETAIL,
    MAX_REPEATED_ENTRIES,
    TRUNCATION_HINT,
    TRUNCATION_PATTERN,
    fit_to_budget,
)

PLAN_COMMENT_BUDGET: Final = 60 * 1024
"""Bytes of a comment: GitHub takes 65,536 characters, and the caller may add a line of its own."""

STEP_SUMMARY_BUDGET: Final = 960 * 1024
"""Bytes of a step summary: GitHub takes 1 MiB a step."""

FULL_PLAN_HINT: Final = "`keyturn plan` prints the whole of it, and so does the HTML report."

_MAX_LINE_LENGTH: Final = 400
_MAX_LABEL_LENGTH: Final = 120
_OPTIONAL_COUNTS: Final = frozenset({"replace", "adopt", "forget"})
_EXPANDED_KINDS: Final = frozenset(
    {SectionKind.EXPOSURE, SectionKind.ACCESS, SectionKind.RETIRE, SectionKind.REPLACE}
)
# Column 0 of a diff fence colours the line: + green, - red, ! orange, # grey.
_DIFF_COLUMNS: Final = {"-": "-", "+": "+", "^": "+", "✗": "-", "=": "#", ".": "#", "·": "#"}
_FIELD_COLUMNS: Final = {"+": "+", "-": "-", "~": "!"}
_NOTABLE_STATUSES: Final = {state.value for state in SecretStatus} - {"unchanged", "kept"}


def render_plan_markdown(
    view: PlanView, *, budget: int = PLAN_COMMENT_BUDGET, whole: str = FULL_PLAN_HINT
) -> str:
    """Return the plan as CommonMark with GitHub's tables, at most ``budget`` bytes of UTF-8.

    It begins with a marker by which a comment is found again and ends with the summary line.
    ``whole`` is markdown that says where everything can be read; it is trusted.
    """
    head, foot = _render_header(view), _render_footer(view)
    size = len(f"{head}\n\n{foot}\n{TRUNCATION_HINT}".encode()) + 2 * _MAX_LINE_LENGTH + len(whole.encode())
    fitted = fit_to_budget(view.sections, _render_section, budget - size)
    left_out = [f"**Left out to keep this short:** {fitted.omissions}. {whole}"] if fitted.omissions else []
    cut = [f"{TRUNCATION_HINT}."] if any(map(TRUNCATION_PATTERN.search, fitted.blocks)) else []
    return "\n\n".join([head, *left_out, *fitted.blocks, *cut, foot]) + "\n"


def format_comment_marker(workspace: str) -> str:
    """Return the comment that a later run looks for, to edit its comment and not add another."""
    name = percent_encode(workspace).replace("--", "-%2D")
    if len(name) > _MAX_LINE_LENGTH:
        name = f"{name[:_MAX_LABEL_LENGTH]}~{hashlib.sha256(name.encode()).hexdigest()}"
    return f"<!-- keyturn:{name} -->"


def _render_header(view: PlanView) -> str:
    title = f"### Keyturn plan for {escape_inline_code(_clip_line(view.workspace))}"
    shown = {word: number for word, number in view.counts.items() if number or word not in _OPTIONAL_COUNTS}
    cells = {**shown, "need attention": view.attention_count}
    table = "\n".join(
        f"| {' | '.join(row)} |"
        for row in (cells.keys(), ["--:"] * len(cells), [f"{number:,}" for number in cells.values()])
    )
    lines = [format_comment_marker(view.workspace), title, table]
    if view.error_count:
        found = "1 finding refuses" if view.error_count == 1 else f"{view.error_count:,} findings refuse"
        lines.append(f"**{found} this plan.**")
    if view.offline:
        lines.append("Offline: the workspace was not read.")
    return "\n\n".join(lines)


def _render_footer(view: PlanView) -> str:
    blocks = []
    if view.repeated:
        lines = [_render_repeated(entry) for entry in view.repeated[:MAX_REPEATED_ENTRIES]]
        if len(view.repeated) > MAX_REPEATED_ENTRIES:
            lines.append(f"- and {len(view.repeated) - MAX_REPEATED_ENTRIES:,} more, above")
        blocks.append("\n".join(["**Before you approve**", "", *lines]))
    said = [view.cost_summary] if view.cost_summary else []
    if view.approve_command:
        said.append(f"Approve with {escape_inline_code(view.approve_command)}.")
    blocks += [" ".join(said)] if said else []
    return "\n\n".join([*blocks, view.summary])


def _render_repeated(entry: PlanEntry) -> str:
    label, headline = (
        _clip_line(entry.label, _MAX_LABEL_LENGTH),
        _clip_line(entry.headline, _MAX_LABEL_LENGTH),
    )
    return f"- **{entry.symbol}** {escape_inline_code(label)} {escape_markdown(headline)}"


def _render_section(section: PlanSection, level: int) -> str:
    title = f"{section.title} ({section.total_count:,})"
    if not level:
        return f"**{title}**: not listed here."
    entries = section.entries[:level]
    lines = [each for entry in entries for each in _render_entry(entry, details=level == FULL_DETAIL)]
    if len(entries) < len(section.entries):
        lines.append(f"# and {len(section.entries) - len(entries):,} more")
    opened = " open" if section.kind in _EXPANDED_KINDS else ""
    body = render_code_fence(tuple(lines), "diff")
    return f"<details{opened}><summary><b>{title}</b></summary>\n\n{body}\n\n</details>"


def _render_entry(entry: PlanEntry, *, details: bool) -> Iterator[str]:
    column = _DIFF_COLUMNS.get(entry.symbol, "!")
    symbol = "" if entry.symbol == column else f"{entry.symbol} "
    place = f"  [{entry.location}]" if entry.location else ""
    yield _clip_line(f"{column} {symbol}{entry.label}  {entry.headline}{place}")
    if details:
        yield from (_clip_line(_render_detail(detail)) for detail in entry.details)


def _render_detail(detail: DetailRow) -> str:
    match detail:
        case FieldRow(applied=applied) if applied:
            moved = f"drift: we applied {applied}, live is {detail.before}, git wants {detail.after}"
            return f"!     {detail.path}: {moved}"
        case FieldRow(mark="+"):
            return f"+     {detail.path}: {detail.after}"
        case FieldRow():
            return f"{_FIELD_COLUMNS[detail.mark]}     {detail.path}: {detail.before} → {detail.after}"
        case SecretRow():
            reason = f" ({detail.reason})" if detail.reason else ""
            return f"{'!' if detail.state in _NOTABLE_STATUSES else '#'}     secrets.{detail.path}: {detail.state}{reason}"
        case NoteRow():
            return f"#     {detail.topic}: {detail.text}"


def _clip_line(text: str, most: int = _MAX_LINE_LENGTH) -> str:
    # Cut before it is made safe, which costs time, and after, for that may make it longer.
    safe = escape_line(text[:most])
    more = len(text[most:]) + len(safe[most:])
    return f"{safe[:most]}… ({more:,} more characters)" if more else safe


def render_step_summary(view: PlanView) -> str:
    """Return the plan for a step summary of GitHub: the same, with room for sixteen times as much."""
    return render_plan_markdown(view, budget=STEP_SUMMARY_BUDGET)
