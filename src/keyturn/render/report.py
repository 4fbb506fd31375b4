"""What came of an apply: every change with how it ended, counted honestly."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from keyturn.core.outcome import Ending, Outcome
from keyturn.core.plan import Plan
from keyturn.render.cells import fold
from keyturn.render.forms import chosen
from keyturn.render.json_text import dumped
from keyturn.render.parts import Tone
from keyturn.render.phrases import listed
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint, strong

FORMAT: Final = "1.0"

_SHOWN: Final = {
    Ending.DONE: ("✓", "Done", Tone.GAIN),
    Ending.BLOCKED: ("…", "Not attempted: it waits for what did not end well", Tone.CARE),
    Ending.STALE: ("≠", "Not attempted: it moved since the plan", Tone.CARE),
    Ending.UNSURE: ("?", "Unsure: sent, and no answer came", Tone.DANGER),
    Ending.FAILED: ("✗", "Failed", Tone.DANGER),
}


def draw_report(plan: Plan, outcomes: tuple[Outcome, ...], form: str = "text", style: Style = PLAIN) -> str:
    """Return what came of an apply as ``text`` or ``json``; raises ValueError for another form."""
    forms = {
        "text": lambda: report_text(outcomes, style),
        "json": lambda: report_json(plan, outcomes),
    }
    return chosen(forms, form)()


def report_text(outcomes: tuple[Outcome, ...], style: Style = PLAIN) -> str:
    """Return how every change ended, the worst last; the last line counts them and can be parsed.

    It reads ``Apply: 3 done, 1 failed, 0 unsure, 0 stale, 2 not attempted.`` or, where there was
    nothing to do, ``Apply: nothing to do.``
    """
    blocks = [_group(ending, outcomes, style) for ending in _SHOWN]
    return "\n\n".join([*filter(None, blocks), strong(total(outcomes), style)]) + "\n"


def report_json(plan: Plan, outcomes: tuple[Outcome, ...]) -> str:
    """Return the same as JSON, as ``schemas/report.schema.json`` says."""
    counts: dict[str, Any] = {**_counts(outcomes), "line": total(outcomes)}
    return dumped(
        {
            "format_version": FORMAT,
            "workspace": plan.workspace,
            "organization": plan.organization,
            "digest": plan.digest(),
            "summary": counts,
            "outcomes": [_tree(outcome) for outcome in outcomes],
        }
    )


def total(outcomes: tuple[Outcome, ...]) -> str:
    """Return the last line of a report."""
    if not outcomes:
        return "Apply: nothing to do."
    counts = {word.replace("_", " "): number for word, number in _counts(outcomes).items()}
    return f"Apply: {', '.join(f'{number} {word}' for word, number in counts.items())}."


def _counts(outcomes: tuple[Outcome, ...]) -> dict[str, int]:
    found = Counter(outcome.ending for outcome in outcomes)
    return {
        "done": found[Ending.DONE],
        "failed": found[Ending.FAILED],
        "unsure": found[Ending.UNSURE],
        "stale": found[Ending.STALE],
        "not_attempted": found[Ending.BLOCKED],
    }


def _group(ending: Ending, outcomes: tuple[Outcome, ...], style: Style) -> str:
    chosen = [outcome for outcome in outcomes if outcome.ending is ending]
    if not chosen:
        return ""
    symbol, title, tone = _SHOWN[ending]
    lines = [paint(f"{title} ({len(chosen):,})", tone, style, bold=True)]
    for outcome in chosen:
        lines += _lines(outcome, f"  {symbol} ", style)
    return "\n".join(lines)


def _lines(outcome: Outcome, mark: str, style: Style) -> Iterator[str]:
    tone = _SHOWN[outcome.ending][2]
    label = line(str(outcome.address))
    said = "  ".join(filter(None, (label, line(outcome.action), line(outcome.message))))
    folded = fold(mark, said, style.width)
    yield f"{paint(mark + label, tone, style)}{folded[len(mark + label) :]}"
    notes = [("waits", listed(tuple(map(str, outcome.waits_for))))] if outcome.waits_for else []
    notes += [("warning", warning) for warning in outcome.warnings]
    notes += [("next", outcome.hint)] if outcome.hint else []
    for topic, text in notes:
        yield paint(fold(f"      {topic:<7}  ", line(text), style.width), Tone.QUIET, style)


def _tree(outcome: Outcome) -> dict[str, Any]:
    return {
        "address": str(outcome.address),
        "action": outcome.action,
        "ending": outcome.ending.value,
        "message": outcome.message,
        "hint": outcome.hint,
        "waits_for": list(map(str, outcome.waits_for)),
        "warnings": list(outcome.warnings),
    }
