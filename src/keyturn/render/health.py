"""A check-up told: a line for each thing, and what to do about what is not in order."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from keyturn.core.health import Check, State
from keyturn.render.cells import fold
from keyturn.render.forms import chosen
from keyturn.render.json_text import dumped
from keyturn.render.parts import Tone
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint, strong

FORMAT: Final = "1.0"

_SHOWN: Final = {
    State.GOOD: ("✓", Tone.GAIN),
    State.NOTE: ("·", Tone.QUIET),
    State.UNTRIED: ("?", Tone.QUIET),
    State.DOUBT: ("!", Tone.CARE),
    State.BROKEN: ("✗", Tone.DANGER),
}


def draw_health(checks: tuple[Check, ...], form: str = "text", style: Style = PLAIN) -> str:
    """Return a check-up as ``text`` or ``json``; raises ValueError for another form."""
    forms = {"text": lambda: health_text(checks, style), "json": lambda: health_json(checks)}
    return chosen(forms, form)()


def health_text(checks: tuple[Check, ...], style: Style = PLAIN) -> str:
    """Return the checks in their order, and a last line that counts and can be parsed.

    It reads ``Doctor: 9 good, 1 note, 0 untried, 1 doubt, 0 broken.``
    """
    lines = [text for each in checks for text in _lines(each, style)]
    return "\n".join([*lines, "", strong(total(checks), style)]) + "\n"


def health_json(checks: tuple[Check, ...]) -> str:
    """Return the same as JSON, as ``schemas/doctor.schema.json`` says."""
    tree = [
        {
            "topic": each.topic,
            "state": each.state.value,
            "message": each.message,
            "hint": each.hint,
            "code": each.code or None,
        }
        for each in checks
    ]
    summary: dict[str, Any] = {**_counts(checks), "line": total(checks)}
    return dumped({"format_version": FORMAT, "summary": summary, "checks": tree})


def total(checks: tuple[Check, ...]) -> str:
    """Return the last line."""
    return f"Doctor: {', '.join(f'{number} {word}' for word, number in _counts(checks).items())}."


def _counts(checks: tuple[Check, ...]) -> dict[str, int]:
    found = Counter(each.state for each in checks)
    return {state.value: found[state] for state in State}


def _lines(each: Check, style: Style) -> Iterator[str]:
    symbol, tone = _SHOWN[each.state]
    code = f"  [{line(each.code)}]" if each.code else ""
    lead = f"{symbol} {line(each.topic):<12}"
    folded = fold(lead, f"{line(each.message)}{code}", style.width)
    yield f"{paint(lead, tone, style)}{folded[len(lead) :]}"
    if each.hint:
        yield paint(fold(" " * 14 + "fix  ", line(each.hint), style.width), Tone.QUIET, style)
