"""A check-up told: a line for each thing, and what to do about what is not in order."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from keyturn.model.results import CheckResult, CheckStatus
from keyturn.views.escaping import escape_line
from keyturn.views.forms import select_format
from keyturn.views.json_output import dump_pretty
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold, wrap_text

DOCTOR_FORMAT_VERSION: Final = "1.0"

_STATUS_STYLES: Final = {
    CheckStatus.PASSED: ("✓", Tone.SUCCESS),
    CheckStatus.NOTE: ("·", Tone.MUTED),
    CheckStatus.SKIPPED: ("?", Tone.MUTED),
    CheckStatus.WARNING: ("!", Tone.WARNING),
    CheckStatus.FAILED: ("✗", Tone.DANGER),
}


def render_doctor_report(
    checks: tuple[CheckResult, ...], form: str = "text", style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return a check-up as ``text`` or ``json``; raises ValueError for another form."""
    forms = {"text": lambda: render_doctor_text(checks, style), "json": lambda: render_doctor_json(checks)}
    return select_format(forms, form)()


def render_doctor_text(checks: tuple[CheckResult, ...], style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the checks in their order, and a last line that counts and can be parsed.

    It reads ``Doctor: 9 good, 1 note, 0 untried, 1 doubt, 0 broken.``
    """
    lines = [text for each in checks for text in _render_check(each, style)]
    return "\n".join([*lines, "", make_bold(summarize_checks(checks), style)]) + "\n"


def render_doctor_json(checks: tuple[CheckResult, ...]) -> str:
    """Return the same as JSON, as ``schemas/doctor.schema.json`` says."""
    tree = [
        {
            "topic": each.topic,
            "state": each.status.value,
            "message": each.message,
            "hint": each.hint,
            "code": each.code or None,
        }
        for each in checks
    ]
    summary: dict[str, Any] = {**_count_statuses(checks), "line": summarize_checks(checks)}
    return dump_pretty({"format_version": DOCTOR_FORMAT_VERSION, "summary": summary, "checks": tree})


def summarize_checks(checks: tuple[CheckResult, ...]) -> str:
    """Return the last line."""
    return f"Doctor: {', '.join(f'{number} {word}' for word, number in _count_statuses(checks).items())}."


def _count_statuses(checks: tuple[CheckResult, ...]) -> dict[str, int]:
    found = Counter(each.status for each in checks)
    return {state.value: found[state] for state in CheckStatus}


def _render_check(each: CheckResult, style: TerminalStyle) -> Iterator[str]:
    symbol, tone = _STATUS_STYLES[each.status]
    code = f"  [{escape_line(each.code)}]" if each.code else ""
    lead = f"{symbol} {escape_line(each.topic):<12}"
    folded = wrap_text(lead, f"{escape_line(each.message)}{code}", style.width)
    yield f"{colorize(lead, tone, style)}{folded[len(lead) :]}"
    if each.hint:
        yield colorize(wrap_text(" " * 14 + "fix  ", escape_line(each.hint), style.width), Tone.MUTED, style)
