"""The report of an apply: the outcome of every change, and their counts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from msgspec import Struct

from keyturn.model.change import ChangeOutcome, OutcomeStatus
from keyturn.model.plan import Plan
from keyturn.views.escaping import escape_line
from keyturn.views.plan.wording import join_names
from keyturn.views.report_formats import RESULT_RENDERERS, render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, wrap_text

_STATUS_STYLES: Final = {
    OutcomeStatus.DONE: ("✓", "Done", Tone.SUCCESS),
    OutcomeStatus.BLOCKED: ("…", "Not attempted: depends on a change that did not succeed", Tone.WARNING),
    OutcomeStatus.STALE: ("≠", "Not attempted: the object changed since the plan", Tone.WARNING),
    OutcomeStatus.UNKNOWN: ("?", "Unknown: the request was sent, no response arrived", Tone.DANGER),
    OutcomeStatus.FAILED: ("✗", "Failed", Tone.DANGER),
}
_COUNT_KEYS: Final = {
    "done": OutcomeStatus.DONE,
    "failed": OutcomeStatus.FAILED,
    "unsure": OutcomeStatus.UNKNOWN,
    "stale": OutcomeStatus.STALE,
    "not_attempted": OutcomeStatus.BLOCKED,
}
_COUNT_WORDS: Final = {"unsure": "unknown", "not_attempted": "not attempted"}
_TOPIC_WIDTH: Final = 9


class _ApplyOutcomes(Struct, frozen=True):
    plan: Plan
    outcomes: tuple[ChangeOutcome, ...]
    uncommitted: tuple[str, ...] = ()

    format_version: ClassVar[str] = "1.0"

    def build_header(self) -> Mapping[str, object]:
        return {
            "workspace": self.plan.workspace,
            "organization": self.plan.organization,
            "digest": self.plan.approval_digest(),
            "uncommitted": list(self.uncommitted),
        }

    def build_items(self) -> Mapping[str, object]:
        return {"outcomes": [_outcome_to_json(outcome) for outcome in self.outcomes]}

    def count_results(self) -> Mapping[str, int]:
        found = Counter(outcome.outcome_status for outcome in self.outcomes)
        return {key: found[status] for key, status in _COUNT_KEYS.items()}

    def summarize(self) -> str:
        counts = [
            f"{number} {_COUNT_WORDS.get(key, key)}" for key, number in self.count_results().items() if number
        ]
        return f"Apply: {', '.join(counts) or 'nothing to do'}."

    def render_lines(self, style: TerminalStyle) -> Iterator[str]:
        blocks = [_render_group(status, self.outcomes, style) for status in _STATUS_STYLES]
        if self.uncommitted:
            text = f"Applied, but not in the commit: {join_names(self.uncommitted)}"
            blocks.insert(0, colorize(wrap_text("", escape_line(text), style.width), Tone.WARNING, style))
        if self.outcomes:
            yield "\n\n".join(filter(None, blocks))


def render_apply_report(
    plan: Plan,
    outcomes: tuple[ChangeOutcome, ...],
    format_name: str = "text",
    style: TerminalStyle = PLAIN_STYLE,
    *,
    uncommitted: tuple[str, ...] = (),
) -> str:
    """Return the outcomes of an apply as ``text`` or ``json``; raises ValueError for another format.

    The text groups the changes by outcome, the worst last. Its last line holds every count that is
    not 0: ``Apply: 3 done, 1 failed, 2 not attempted.`` or ``Apply: nothing to do.`` The JSON follows
    ``schemas/report.schema.json``. ``uncommitted`` are files that the commit does not have.
    """
    return render_in_format(RESULT_RENDERERS, _ApplyOutcomes(plan, outcomes, uncommitted), format_name, style)


def _render_group(status: OutcomeStatus, outcomes: tuple[ChangeOutcome, ...], style: TerminalStyle) -> str:
    chosen = [outcome for outcome in outcomes if outcome.outcome_status is status]
    if not chosen:
        return ""
    symbol, title, tone = _STATUS_STYLES[status]
    lines = [colorize(f"{title} ({len(chosen):,})", tone, style, bold=True)]
    for outcome in chosen:
        lines += _render_outcome(outcome, f"  {symbol} ", style)
    return "\n".join(lines)


def _render_outcome(outcome: ChangeOutcome, mark: str, style: TerminalStyle) -> Iterator[str]:
    tone = _STATUS_STYLES[outcome.outcome_status][2]
    label = escape_line(str(outcome.address))
    text = "  ".join(filter(None, (label, escape_line(outcome.action), escape_line(outcome.message))))
    wrapped = wrap_text(mark, text, style.width)
    yield f"{colorize(mark + label, tone, style)}{wrapped[len(mark + label) :]}"
    notes = [("waits for", join_names(tuple(map(str, outcome.waits_for))))] if outcome.waits_for else []
    notes += [("warning", warning) for warning in outcome.warnings]
    notes += [("next", outcome.hint)] if outcome.hint else []
    for topic, note in notes:
        lead = f"      {topic:<{_TOPIC_WIDTH}}  "
        yield colorize(wrap_text(lead, escape_line(note), style.width), Tone.MUTED, style)


def _outcome_to_json(outcome: ChangeOutcome) -> dict[str, Any]:
    return {
        "address": str(outcome.address),
        "action": outcome.action,
        "ending": outcome.outcome_status.value,
        "message": outcome.message,
        "hint": outcome.hint,
        "waits_for": list(map(str, outcome.waits_for)),
        "warnings": list(outcome.warnings),
    }
