"""A plan as text for a terminal or a log; the last line is the summary."""

from collections.abc import Iterator
from typing import Final

from keyturn.views.escaping import escape_line
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
from keyturn.views.plan.wording import format_secret_status, limit_steps
from keyturn.views.terminal import (
    PLAIN_STYLE,
    TerminalStyle,
    Tone,
    colorize,
    display_width,
    make_bold,
    wrap_text,
)

_MAX_NAME_WIDTH: Final = 28
_KINDS_WITH_LOCATION: Final = frozenset({SectionKind.EXPOSURE, SectionKind.ACCESS, SectionKind.DIAGNOSTIC})
_STATUS_TONES: Final = {
    "set": Tone.SUCCESS,
    "rotated": Tone.WARNING,
    "reused": Tone.DANGER,
    "unknown": Tone.WARNING,
    "suspect": Tone.WARNING,
    "cleared": Tone.DANGER,
}
_MARK_TONES: Final = {"+": Tone.SUCCESS, "-": Tone.DANGER, "~": Tone.CHANGE}


def render_plan_text(view: PlanView, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the plan as text, ending in a line feed, with all entries and their details.

    Long values are truncated with a marker; the footer names the command that prints them in full.
    """
    blocks = [_render_header(view, style), *(_render_section(section, style) for section in view.sections)]
    truncated = any(map(TRUNCATION_PATTERN.search, blocks))
    if view.repeated and len(view.sections) > 1:
        blocks.append(_render_repeated(view, style))
    blocks.append(_render_footer(view, style, truncated=truncated))
    return "\n\n".join(blocks) + "\n"


def _render_header(view: PlanView, style: TerminalStyle) -> str:
    scope = f"Workspace {escape_line(view.workspace)}"
    if view.organization:
        scope += f", organization {escape_line(view.organization)}"
    known = f"{view.resources:,} resource{'' if view.resources == 1 else 's'} in git"
    offline = "\nOffline: the workspace was not read." if view.offline else ""
    base = "\n" + wrap_text("", escape_line(view.base_summary), style.width) if view.base_summary else ""
    return make_bold(wrap_text("", f"{scope}: {known}.", style.width), style) + offline + base


def _render_section(section: PlanSection, style: TerminalStyle) -> str:
    title = f"{section.title} ({section.total_count:,})"
    return "\n".join(
        [
            colorize(title, section.tone, style, bold=True),
            *(
                _render_entry(entry, style, show_location=section.kind in _KINDS_WITH_LOCATION)
                for entry in section.entries
            ),
        ]
    )


def _render_entry(entry: PlanEntry, style: TerminalStyle, *, show_location: bool) -> str:
    return "\n".join(
        [_render_entry_line(entry, style, show_location=show_location), *_render_details(entry, style)]
    )


def _render_entry_line(entry: PlanEntry, style: TerminalStyle, *, show_location: bool = False) -> str:
    mark = f"  {entry.symbol} "
    label = escape_line(entry.label)
    location = f"  [{escape_line(entry.location)}]" if show_location and entry.location else ""
    text = f"{label}  {escape_line(entry.headline)}{location}"
    wrapped = wrap_text(mark, text, style.width)
    if not wrapped.startswith(mark + label):
        return wrapped
    return f"  {colorize(entry.symbol + ' ' + label, entry.tone, style)}{wrapped[len(mark + label) :]}"


def _render_details(entry: PlanEntry, style: TerminalStyle) -> Iterator[str]:
    names = [display_width(escape_line(_format_name(detail))) for detail in entry.details]
    column = min(max(names, default=0), _MAX_NAME_WIDTH)
    for detail in entry.details:
        name = escape_line(_format_name(detail))
        gap = " " * max(2, column + 2 - display_width(name))
        lead = f"      {_format_mark(detail)} {name}{gap}"
        yield _colorize_detail(wrap_text(lead, _format_detail(detail), style.width), detail, style)


def _format_name(detail: DetailRow) -> str:
    match detail:
        case FieldRow():
            return detail.path
        case SecretRow():
            return f"secrets.{detail.path}"
        case NoteRow():
            return detail.topic


def _format_mark(detail: DetailRow) -> str:
    return detail.mark if isinstance(detail, FieldRow) else " "


def _format_detail(detail: DetailRow) -> str:
    match detail:
        case FieldRow(applied=applied) if applied:
            return (
                f"drift: last applied {escape_line(applied)}, live {escape_line(detail.before)}, "
                f"desired {escape_line(detail.after)}"
            )
        case FieldRow(mark="+"):
            return escape_line(detail.after)
        case FieldRow():
            return f"{escape_line(detail.before)} → {escape_line(detail.after)}"
        case SecretRow():
            return escape_line(format_secret_status(detail))
        case NoteRow():
            return escape_line(detail.text)


def _colorize_detail(text: str, detail: DetailRow, style: TerminalStyle) -> str:
    match detail:
        case FieldRow():
            tone = _MARK_TONES[detail.mark]
        case SecretRow():
            tone = _STATUS_TONES.get(detail.status, Tone.MUTED)
        case NoteRow():
            tone = Tone.MUTED
    return "\n".join(colorize(line, tone, style) for line in text.split("\n"))


def _render_repeated(view: PlanView, style: TerminalStyle) -> str:
    lines = [_render_entry_line(entry, style) for entry in view.repeated[:MAX_REPEATED_ENTRIES]]
    if len(view.repeated) > MAX_REPEATED_ENTRIES:
        lines.append(f"  and {len(view.repeated) - MAX_REPEATED_ENTRIES:,} more, above")
    return "\n".join([colorize("Before you approve", Tone.DANGER, style, bold=True), *lines])


def _render_footer(view: PlanView, style: TerminalStyle, *, truncated: bool) -> str:
    lines = [wrap_text("", f"{TRUNCATION_HINT}.", style.width)] if truncated else []
    if view.blocked_summary:
        lines.append(colorize(wrap_text("", view.blocked_summary, style.width), Tone.DANGER, style))
    lines += [wrap_text("Next: ", escape_line(step), style.width) for step in limit_steps(view.next_steps)]
    if view.cost_summary:
        lines.append(view.cost_summary)
    if view.approve_command:
        lines.append(f"Approve with: {escape_line(view.approve_command)}")
    return "\n".join([*lines, make_bold(view.summary, style)])
