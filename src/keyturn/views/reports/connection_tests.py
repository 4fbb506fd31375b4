"""Connection tests told: to people, to programs, to a CI server."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from keyturn.model.results import ConnectionTestResult, TestStatus
from keyturn.views.escaping import escape_line
from keyturn.views.forms import select_format
from keyturn.views.json_output import dump_pretty
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold, wrap_text

TEST_FORMAT_VERSION: Final = "1.0"

_STATUS_STYLES: Final = {
    TestStatus.PASSED: ("✓", Tone.SUCCESS),
    TestStatus.SKIPPED: ("…", Tone.WARNING),
    TestStatus.REFUSED: ("!", Tone.WARNING),
    TestStatus.UNCLEAR: ("?", Tone.DANGER),
    TestStatus.FAILED: ("✗", Tone.DANGER),
}


def render_connection_tests(
    workspace: str,
    results: tuple[ConnectionTestResult, ...],
    form: str = "text",
    style: TerminalStyle = PLAIN_STYLE,
) -> str:
    """Return connection tests as ``text``, ``json`` or ``junit``; raises ValueError for another form."""
    forms = {
        "text": lambda: render_connection_tests_text(results, style),
        "json": lambda: render_connection_tests_json(workspace, results),
        "junit": lambda: render_connection_tests_junit(workspace, results),
    }
    return select_format(forms, form)()


def render_connection_tests_text(
    results: tuple[ConnectionTestResult, ...], style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return a line or two for each test, the worst last, and a last line that counts and can be parsed.

    It reads ``Test: 3 passed, 1 failed, 0 unclear, 2 skipped, 0 refused.``
    """
    order = list(_STATUS_STYLES)
    ranked = sorted(results, key=lambda each: (order.index(each.status), each.address))
    lines = [text for each in ranked for text in _render_result(each, style)]
    return (
        "\n".join([*lines, *([""] if lines else []), make_bold(summarize_connection_tests(results), style)])
        + "\n"
    )


def render_connection_tests_json(workspace: str, results: tuple[ConnectionTestResult, ...]) -> str:
    """Return the same as JSON, as ``schemas/test.schema.json`` says."""
    summary: dict[str, Any] = {**_count_results(results), "line": summarize_connection_tests(results)}
    tests = [_result_to_json(each) for each in results]
    return dump_pretty(
        {"format_version": TEST_FORMAT_VERSION, "workspace": workspace, "summary": summary, "tests": tests}
    )


def render_connection_tests_junit(workspace: str, results: tuple[ConnectionTestResult, ...]) -> str:
    """Return the same as JUnit XML: skipped and refused ones are skipped, all else but a pass fails."""
    counts = _count_results(results)
    failed, skipped = counts["failed"] + counts["unclear"], counts["skipped"] + counts["refused"]
    suite = _quote_attribute(f"keyturn test {workspace}")
    head = f'tests="{len(results)}" failures="{failed}" skipped="{skipped}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {head}>",
            f"  <testsuite name={suite} {head}>",
            *map(_render_case, results),
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def summarize_connection_tests(results: tuple[ConnectionTestResult, ...]) -> str:
    """Return the last line."""
    return f"Test: {', '.join(f'{number} {word}' for word, number in _count_results(results).items())}."


def _count_results(results: tuple[ConnectionTestResult, ...]) -> dict[str, int]:
    found = Counter(each.status for each in results)
    ends = (TestStatus.PASSED, TestStatus.FAILED, TestStatus.UNCLEAR, TestStatus.SKIPPED, TestStatus.REFUSED)
    return {end.value: found[end] for end in ends}


def _render_result(each: ConnectionTestResult, style: TerminalStyle) -> Iterator[str]:
    symbol, tone = _STATUS_STYLES[each.status]
    mark, label = f"{symbol} ", escape_line(str(each.address))
    latency = "" if each.latency_ms is None else f"{each.latency_ms:,.0f} ms"
    why = f"{each.reason.value}: " if each.reason else ""
    said = (
        why + escape_line(each.message)
        if each.status is not TestStatus.PASSED
        else escape_line(each.server_version)
    )
    text = "  ".join(filter(None, (label, each.status.value, latency, said)))
    folded = wrap_text(mark, text, style.width)
    yield f"{colorize(mark + label, tone, style)}{folded[len(mark + label) :]}"
    if each.hint:
        yield colorize(wrap_text("    next  ", escape_line(each.hint), style.width), Tone.MUTED, style)


def _result_to_json(each: ConnectionTestResult) -> dict[str, Any]:
    return {
        "address": str(each.address),
        "result": each.status.value,
        "reason": each.reason.value if each.reason else None,
        "credentials": list(map(str, each.credentials)),
        "message": each.message,
        "hint": each.hint,
        "latency_ms": each.latency_ms,
        "server_version": each.server_version,
    }


def _render_case(each: ConnectionTestResult) -> str:
    time = "" if each.latency_ms is None else f' time="{each.latency_ms / 1000:.3f}"'
    head = f"    <testcase classname={_quote_attribute('keyturn.test')} name={_quote_attribute(str(each.address))}{time}"
    if each.status is TestStatus.PASSED:
        return f"{head}/>"
    kind = "skipped" if each.status in {TestStatus.SKIPPED, TestStatus.REFUSED} else "failure"
    type_ = (
        f" type={_quote_attribute(each.reason.value if each.reason else each.status.value)}"
        if kind == "failure"
        else ""
    )
    inner = f"      <{kind} message={_quote_attribute(each.message)}{type_}>{escape(escape_line(each.hint))}</{kind}>"
    return f"{head}>\n{inner}\n    </testcase>"


def _quote_attribute(text: str) -> str:
    return quoteattr(escape_line(text))
