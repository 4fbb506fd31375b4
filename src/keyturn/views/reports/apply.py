"""What came of an apply: every change with how it ended, counted honestly."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from keyturn.model.change import ChangeOutcome, OutcomeStatus
from keyturn.model.plan import Plan
from keyturn.views.escaping import escape_line
from keyturn.views.forms import select_format
from keyturn.views.json_output import dump_pretty
from keyturn.views.plan.wording import join_names
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold, wrap_text

APPLY_FORMAT_VERSION: Final = "1.0"

_STATUS_STYLES: Final = {
    OutcomeStatus.DONE: ("✓", "Done", Tone.SUCCESS),
    OutcomeStatus.BLOCKED: ("…", "Not attempted: it waits for what did not end well", Tone.WARNING),
    OutcomeStatus.STALE: ("≠", "Not attempted: it moved since the plan", Tone.WARNING),
    OutcomeStatus.UNKNOWN: ("?", "Unsure: sent, and no answer came", Tone.DANGER),
    OutcomeStatus.FAILED: ("✗", "Failed", Tone.DANGER),
}


def render_apply_report(
    plan: Plan, outcomes: tuple[ChangeOutcome, ...], form: str = "text", style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return what came of an apply as ``text`` or ``json``; raises ValueError for another form."""
    forms = {
        "text": lambda: render_apply_text(outcomes, style),
        "json": lambda: render_apply_json(plan, outcomes),
    }
    return select_format(forms, form)()


def render_apply_text(outcomes: tuple[ChangeOutcome, ...], style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return how every change ended, the worst last; the last line counts them and can be parsed.

    It reads ``Apply: 3 done, 1 failed, 0 unsure, 0 stale, 2 not attempted.`` or, where there was
    nothing to do, ``Apply: nothing to do.``
    """
    blocks = [_render_group(ending, outcomes, style) for ending in _STATUS_STYLES]
    return "\n\n".join([*filter(None, blocks), make_bold(summarize_outcomes(outcomes), style)]) + "\n"


def render_apply_json(plan: Plan, outcomes: tuple[ChangeOutcome, ...]) -> str:
    """Return the same as JSON, as ``schemas/report.schema.json`` says."""
    counts: dict[str, Any] = {**_count_outcomes(outcomes), "line": summarize_outcomes(outcomes)}
    return dump_pretty(
        {
            "format_version": APPLY_FORMAT_VERSION,
            "workspace": plan.workspace,
            "organization": plan.organization,
            "digest": plan.approval_digest(),
            "summary": counts,
            "outcomes": [_outcome_to_json(outcome) for outcome in outcomes],
        }
    )


def summarize_outcomes(outcomes: tuple[ChangeOutcome, ...]) -> str:
    """Return the last line of a report."""
    if not outcomes:
        return "Apply: nothing to do."
    counts = {word.replace("_", " "): number for word, number in _count_outcomes(outcomes).items()}
    return f"Apply: {', '.join(f'{number} {word}' for word, number in counts.items())}."


def _count_outcomes(outcomes: tuple[ChangeOutcome, ...]) -> dict[str, int]:
    found = Counter(outcome.outcome_status for outcome in outcomes)
    return {
        "done": found[OutcomeStatus.DONE],
        "failed": found[OutcomeStatus.FAILED],
        "unsure": found[OutcomeStatus.UNKNOWN],
        "stale": found[OutcomeStatus.STALE],
        "not_attempted": found[OutcomeStatus.BLOCKED],
    }


def _render_group(ending: OutcomeStatus, outcomes: tuple[ChangeOutcome, ...], style: TerminalStyle) -> str:
    chosen = [outcome for outcome in outcomes if outcome.outcome_status is ending]
    if not chosen:
        return ""
    symbol, title, tone = _STATUS_STYLES[ending]
    lines = [colorize(f"{title} ({len(chosen):,})", tone, style, bold=True)]
    for outcome in chosen:
        lines += _render_outcome(outcome, f"  {symbol} ", style)
    return "\n".join(lines)


def _render_outcome(outcome: ChangeOutcome, mark: str, style: TerminalStyle) -> Iterator[str]:
    tone = _STATUS_STYLES[outcome.outcome_status][2]
    label = escape_line(str(outcome.address))
    said = "  ".join(filter(None, (label, escape_line(outcome.action), escape_line(outcome.message))))
    folded = wrap_text(mark, said, style.width)
    yield f"{colorize(mark + label, tone, style)}{folded[len(mark + label) :]}"
    notes = [("waits", join_names(tuple(map(str, outcome.waits_for))))] if outcome.waits_for else []
    notes += [("warning", warning) for warning in outcome.warnings]
    notes += [("next", outcome.hint)] if outcome.hint else []
    for topic, text in notes:
        yield colorize(wrap_text(f"      {topic:<7}  ", escape_line(text), style.width), Tone.MUTED, style)


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
