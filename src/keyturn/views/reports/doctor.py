"""The report of the doctor command: a line for each check, with the fix of a problem."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from msgspec import Struct

from keyturn.model.diagnostic import pluralize
from keyturn.model.results import CheckResult, CheckStatus
from keyturn.views.escaping import escape_line
from keyturn.views.report_formats import RESULT_RENDERERS, render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, wrap_text

_STATUS_STYLES: Final = {
    CheckStatus.PASSED: ("✓", Tone.SUCCESS),
    CheckStatus.NOTE: ("·", Tone.MUTED),
    CheckStatus.SKIPPED: ("?", Tone.MUTED),
    CheckStatus.WARNING: ("!", Tone.WARNING),
    CheckStatus.FAILED: ("✗", Tone.DANGER),
}
_TOPIC_WIDTH: Final = 12


class _DoctorChecks(Struct, frozen=True):
    checks: tuple[CheckResult, ...]

    format_version: ClassVar[str] = "1.0"

    def build_header(self) -> Mapping[str, object]:
        return {}

    def build_items(self) -> Mapping[str, object]:
        return {"checks": list(map(_check_to_json, self.checks))}

    def count_results(self) -> Mapping[str, int]:
        found = Counter(check.status for check in self.checks)
        return {status.value: found[status] for status in CheckStatus}

    def summarize(self) -> str:
        found = Counter(check.status for check in self.checks)
        return (
            f"Doctor: {found[CheckStatus.PASSED]} passed, "
            f"{pluralize(found[CheckStatus.WARNING], 'warning')}, {found[CheckStatus.FAILED]} failed, "
            f"{pluralize(found[CheckStatus.NOTE], 'note')}, {found[CheckStatus.SKIPPED]} skipped."
        )

    def render_lines(self, style: TerminalStyle) -> Iterator[str]:
        for check in self.checks:
            yield from _render_check(check, style)


def render_doctor_report(
    checks: tuple[CheckResult, ...], format_name: str = "text", style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return the checks as ``text`` or ``json``; raises ValueError for another format.

    The last line of the text has all counts:
    ``Doctor: 9 passed, 1 warning, 0 failed, 1 note, 0 skipped.`` The JSON follows
    ``schemas/doctor.schema.json``.
    """
    return render_in_format(RESULT_RENDERERS, _DoctorChecks(checks), format_name, style)


def _render_check(check: CheckResult, style: TerminalStyle) -> Iterator[str]:
    symbol, tone = _STATUS_STYLES[check.status]
    code = f"  [{escape_line(check.code)}]" if check.code else ""
    lead = f"{symbol} {escape_line(check.topic):<{_TOPIC_WIDTH}}"
    wrapped = wrap_text(lead, f"{escape_line(check.message)}{code}", style.width)
    yield f"{colorize(lead, tone, style)}{wrapped[len(lead) :]}"
    if check.hint:
        fix = wrap_text(" " * (_TOPIC_WIDTH + 2) + "fix  ", escape_line(check.hint), style.width)
        yield colorize(fix, Tone.MUTED, style)


def _check_to_json(check: CheckResult) -> dict[str, object]:
    return {
        "topic": check.topic,
        "state": check.status.value,
        "message": check.message,
        "hint": check.hint,
        "code": check.code or None,
    }
