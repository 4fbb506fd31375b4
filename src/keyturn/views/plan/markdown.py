"""A plan as Markdown for a pull request comment: counts first, details collapsed.

The comment has a maximum size. A large plan loses details section by section, the least risky first;
every section keeps its title and count, and the comment says what is omitted.
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
from keyturn.views.plan.wording import format_secret_status, limit_steps

PLAN_COMMENT_BUDGET: Final = 60 * 1024
"""Bytes of a comment: GitHub allows 65,536 characters, and the caller may add a line."""

STEP_SUMMARY_BUDGET: Final = 960 * 1024
"""Bytes of a step summary: GitHub allows 1 MiB per step."""

FULL_PLAN_HINT: Final = "`keyturn plan` and the HTML report show all of it."

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
    view: PlanView, *, budget: int = PLAN_COMMENT_BUDGET, full_plan_hint: str = FULL_PLAN_HINT
) -> str:
    """Return the plan as CommonMark with GitHub tables, at most ``budget`` bytes of UTF-8.

    The first line is a marker that identifies the comment; the last line is the summary.
    ``full_plan_hint`` is trusted Markdown that says where the full plan is.
    """
    head, foot = _render_header(view), _render_footer(view)
    size = (
        len(f"{head}\n\n{foot}\n{TRUNCATION_HINT}".encode())
        + 2 * _MAX_LINE_LENGTH
        + len(full_plan_hint.encode())
    )
    fitted = fit_to_budget(view.sections, _render_section, budget - size)
    omitted = (
        [f"**Omitted to keep this short:** {fitted.omissions}. {full_plan_hint}"] if fitted.omissions else []
    )
    hint = [f"{TRUNCATION_HINT}."] if any(map(TRUNCATION_PATTERN.search, fitted.blocks)) else []
    return "\n\n".join([head, *omitted, *fitted.blocks, *hint, foot]) + "\n"


def format_comment_marker(workspace: str) -> str:
    """Return the HTML comment by which a later run finds the comment that it updates."""
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
    if view.blocked_summary:
        lines.append(f"**{view.blocked_summary}**")
    if view.offline:
        lines.append("Offline: the workspace was not read.")
    if view.base_summary:
        lines.append(escape_markdown(_clip_line(view.base_summary)))
    return "\n\n".join(lines)


def _render_footer(view: PlanView) -> str:
    blocks = []
    if view.repeated:
        lines = [_render_repeated(entry) for entry in view.repeated[:MAX_REPEATED_ENTRIES]]
        if len(view.repeated) > MAX_REPEATED_ENTRIES:
            lines.append(f"- and {len(view.repeated) - MAX_REPEATED_ENTRIES:,} more, above")
        blocks.append("\n".join(["**Before you approve**", "", *lines]))
    if view.next_steps:
        steps = (_clip_line(step) for step in limit_steps(view.next_steps))
        blocks.append("\n".join(["**Next**", "", *(f"- {escape_markdown(step)}" for step in steps)]))
    sentences = [view.cost_summary] if view.cost_summary else []
    if view.approve_command:
        sentences.append(f"Approve with {escape_inline_code(view.approve_command)}.")
    blocks += [" ".join(sentences)] if sentences else []
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
    lines = [line for entry in entries for line in _render_entry(entry, details=level == FULL_DETAIL)]
    if len(entries) < len(section.entries):
        lines.append(f"# and {len(section.entries) - len(entries):,} more")
    expanded = " open" if section.kind in _EXPANDED_KINDS else ""
    body = render_code_fence(tuple(lines), "diff")
    return f"<details{expanded}><summary><b>{title}</b></summary>\n\n{body}\n\n</details>"


def _render_entry(entry: PlanEntry, *, details: bool) -> Iterator[str]:
    column = _DIFF_COLUMNS.get(entry.symbol, "!")
    symbol = "" if entry.symbol == column else f"{entry.symbol} "
    location = f"  [{entry.location}]" if entry.location else ""
    yield _clip_line(f"{column} {symbol}{entry.label}  {entry.headline}{location}")
    if details:
        yield from (_clip_line(_render_detail(detail)) for detail in entry.details)


def _render_detail(detail: DetailRow) -> str:
    match detail:
        case FieldRow(applied=applied) if applied:
            drift = f"drift: last applied {applied}, live {detail.before}, desired {detail.after}"
            return f"!     {detail.path}: {drift}"
        case FieldRow(mark="+"):
            return f"+     {detail.path}: {detail.after}"
        case FieldRow():
            return f"{_FIELD_COLUMNS[detail.mark]}     {detail.path}: {detail.before} → {detail.after}"
        case SecretRow():
            column = "!" if detail.status in _NOTABLE_STATUSES else "#"
            return f"{column}     secrets.{detail.path}: {format_secret_status(detail)}"
        case NoteRow():
            return f"#     {detail.topic}: {detail.text}"


def _clip_line(text: str, limit: int = _MAX_LINE_LENGTH) -> str:
    # Clipped before escaping, which is slow, and after, because escaping can lengthen the text.
    safe = escape_line(text[:limit])
    more = len(text[limit:]) + len(safe[limit:])
    return f"{safe[:limit]}… ({more:,} more characters)" if more else safe


def render_step_summary(view: PlanView) -> str:
    """Return the plan as Markdown within the size of a GitHub step summary."""
    return render_plan_markdown(view, budget=STEP_SUMMARY_BUDGET)
