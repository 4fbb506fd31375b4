"""Connection tests told: to people, to programs, to a CI server."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from keyturn.core.trial import End, Tried
from keyturn.render.cells import fold
from keyturn.render.forms import chosen
from keyturn.render.json_text import dumped
from keyturn.render.parts import Tone
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint, strong

FORMAT: Final = "1.0"

_SHOWN: Final = {
    End.PASSED: ("✓", Tone.GAIN),
    End.SKIPPED: ("…", Tone.CARE),
    End.REFUSED: ("!", Tone.CARE),
    End.UNCLEAR: ("?", Tone.DANGER),
    End.FAILED: ("✗", Tone.DANGER),
}


def draw_trials(workspace: str, tried: tuple[Tried, ...], form: str = "text", style: Style = PLAIN) -> str:
    """Return connection tests as ``text``, ``json`` or ``junit``; raises ValueError for another form."""
    forms = {
        "text": lambda: trials_text(tried, style),
        "json": lambda: trials_json(workspace, tried),
        "junit": lambda: trials_junit(workspace, tried),
    }
    return chosen(forms, form)()


def trials_text(tried: tuple[Tried, ...], style: Style = PLAIN) -> str:
    """Return a line or two for each test, the worst last, and a last line that counts and can be parsed.

    It reads ``Test: 3 passed, 1 failed, 0 unclear, 2 skipped, 0 refused.``
    """
    order = list(_SHOWN)
    ranked = sorted(tried, key=lambda each: (order.index(each.end), each.address))
    lines = [text for each in ranked for text in _lines(each, style)]
    return "\n".join([*lines, *([""] if lines else []), strong(total(tried), style)]) + "\n"


def trials_json(workspace: str, tried: tuple[Tried, ...]) -> str:
    """Return the same as JSON, as ``schemas/test.schema.json`` says."""
    summary: dict[str, Any] = {**_counts(tried), "line": total(tried)}
    tests = [_tree(each) for each in tried]
    return dumped({"format_version": FORMAT, "workspace": workspace, "summary": summary, "tests": tests})


def trials_junit(workspace: str, tried: tuple[Tried, ...]) -> str:
    """Return the same as JUnit XML: skipped and refused ones are skipped, all else but a pass fails."""
    counts = _counts(tried)
    failed, skipped = counts["failed"] + counts["unclear"], counts["skipped"] + counts["refused"]
    suite = _xml(f"keyturn test {workspace}")
    head = f'tests="{len(tried)}" failures="{failed}" skipped="{skipped}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {head}>",
            f"  <testsuite name={suite} {head}>",
            *map(_case, tried),
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def total(tried: tuple[Tried, ...]) -> str:
    """Return the last line."""
    return f"Test: {', '.join(f'{number} {word}' for word, number in _counts(tried).items())}."


def _counts(tried: tuple[Tried, ...]) -> dict[str, int]:
    found = Counter(each.end for each in tried)
    ends = (End.PASSED, End.FAILED, End.UNCLEAR, End.SKIPPED, End.REFUSED)
    return {end.value: found[end] for end in ends}


def _lines(each: Tried, style: Style) -> Iterator[str]:
    symbol, tone = _SHOWN[each.end]
    mark, label = f"{symbol} ", line(str(each.address))
    latency = "" if each.latency_ms is None else f"{each.latency_ms:,.0f} ms"
    why = f"{each.reason.value}: " if each.reason else ""
    said = why + line(each.message) if each.end is not End.PASSED else line(each.server_version)
    text = "  ".join(filter(None, (label, each.end.value, latency, said)))
    folded = fold(mark, text, style.width)
    yield f"{paint(mark + label, tone, style)}{folded[len(mark + label) :]}"
    if each.hint:
        yield paint(fold("    next  ", line(each.hint), style.width), Tone.QUIET, style)


def _tree(each: Tried) -> dict[str, Any]:
    return {
        "address": str(each.address),
        "result": each.end.value,
        "reason": each.reason.value if each.reason else None,
        "credentials": list(map(str, each.credentials)),
        "message": each.message,
        "hint": each.hint,
        "latency_ms": each.latency_ms,
        "server_version": each.server_version,
    }


def _case(each: Tried) -> str:
    time = "" if each.latency_ms is None else f' time="{each.latency_ms / 1000:.3f}"'
    head = f"    <testcase classname={_xml('keyturn.test')} name={_xml(str(each.address))}{time}"
    if each.end is End.PASSED:
        return f"{head}/>"
    kind = "skipped" if each.end in {End.SKIPPED, End.REFUSED} else "failure"
    type_ = f" type={_xml(each.reason.value if each.reason else each.end.value)}" if kind == "failure" else ""
    inner = f"      <{kind} message={_xml(each.message)}{type_}>{escape(line(each.hint))}</{kind}>"
    return f"{head}>\n{inner}\n    </testcase>"


def _xml(text: str) -> str:
    return quoteattr(line(text))
