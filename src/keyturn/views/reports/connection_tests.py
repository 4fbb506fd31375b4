"""The report of connection tests as text, JSON or JUnit XML."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Final

from msgspec import Struct

from keyturn.model.results import ConnectionTestResult, TestStatus
from keyturn.views.escaping import escape_line
from keyturn.views.report_formats import RESULT_RENDERERS, render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, wrap_text
from keyturn.views.xml_escaping import escape_xml_text, quote_xml_attribute

_STATUS_STYLES: Final = {
    TestStatus.PASSED: ("✓", Tone.SUCCESS),
    TestStatus.SKIPPED: ("…", Tone.WARNING),
    TestStatus.REFUSED: ("!", Tone.WARNING),
    TestStatus.UNCLEAR: ("?", Tone.DANGER),
    TestStatus.FAILED: ("✗", Tone.DANGER),
}
_COUNTED_STATUSES: Final = (
    TestStatus.PASSED,
    TestStatus.FAILED,
    TestStatus.UNCLEAR,
    TestStatus.SKIPPED,
    TestStatus.REFUSED,
)
_SKIPPED_IN_JUNIT: Final = frozenset({TestStatus.SKIPPED, TestStatus.REFUSED})


class _ConnectionTests(Struct, frozen=True):
    workspace: str
    results: tuple[ConnectionTestResult, ...]

    format_version: ClassVar[str] = "1.0"

    def build_header(self) -> Mapping[str, object]:
        return {"workspace": self.workspace}

    def build_items(self) -> Mapping[str, object]:
        return {"tests": list(map(_result_to_json, self.results))}

    def count_results(self) -> Mapping[str, int]:
        found = Counter(result.status for result in self.results)
        return {status.value: found[status] for status in _COUNTED_STATUSES}

    def summarize(self) -> str:
        return f"Test: {', '.join(f'{number} {word}' for word, number in self.count_results().items())}."

    def render_lines(self, style: TerminalStyle) -> Iterator[str]:
        order = list(_STATUS_STYLES)
        for result in sorted(self.results, key=lambda each: (order.index(each.status), each.address)):
            yield from _render_result(result, style)


def render_connection_tests(
    workspace: str,
    results: tuple[ConnectionTestResult, ...],
    format_name: str = "text",
    style: TerminalStyle = PLAIN_STYLE,
) -> str:
    """Return connection tests as ``text``, ``json`` or ``junit``; raises ValueError for another format.

    The text has the worst result last and ends in ``Test: 3 passed, 1 failed, 0 unclear, 2 skipped,
    0 refused.`` The JSON follows ``schemas/test.schema.json``. In JUnit XML, a refused test counts as
    skipped and an unclear one as failed.
    """
    return render_in_format(_TEST_RENDERERS, _ConnectionTests(workspace, results), format_name, style)


def _render_junit(report: _ConnectionTests, _: TerminalStyle) -> str:
    skipped = sum(result.status in _SKIPPED_IN_JUNIT for result in report.results)
    passed = sum(result.status is TestStatus.PASSED for result in report.results)
    suite = quote_xml_attribute(f"keyturn test {report.workspace}")
    total = len(report.results)
    counts = f'tests="{total}" failures="{total - skipped - passed}" skipped="{skipped}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {counts}>",
            f"  <testsuite name={suite} {counts}>",
            *map(_render_case, report.results),
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


_TEST_RENDERERS: Final[Mapping[str, Callable[[_ConnectionTests, TerminalStyle], str]]] = {
    **RESULT_RENDERERS,
    "junit": _render_junit,
}


def _render_result(result: ConnectionTestResult, style: TerminalStyle) -> Iterator[str]:
    symbol, tone = _STATUS_STYLES[result.status]
    mark, label = f"{symbol} ", escape_line(str(result.address))
    latency = "" if result.latency_ms is None else f"{result.latency_ms:,.0f} ms"
    reason = f"{result.reason.value}: " if result.reason else ""
    detail = (
        escape_line(result.server_version)
        if result.status is TestStatus.PASSED
        else reason + escape_line(result.message)
    )
    text = "  ".join(filter(None, (label, result.status.value, latency, detail)))
    wrapped = wrap_text(mark, text, style.width)
    yield f"{colorize(mark + label, tone, style)}{wrapped[len(mark + label) :]}"
    if result.hint:
        yield colorize(wrap_text("    next  ", escape_line(result.hint), style.width), Tone.MUTED, style)


def _result_to_json(result: ConnectionTestResult) -> dict[str, object]:
    return {
        "address": str(result.address),
        "result": result.status.value,
        "reason": result.reason.value if result.reason else None,
        "credentials": list(map(str, result.credentials)),
        "message": result.message,
        "hint": result.hint,
        "latency_ms": result.latency_ms,
        "server_version": result.server_version,
    }


def _render_case(result: ConnectionTestResult) -> str:
    time = "" if result.latency_ms is None else f' time="{result.latency_ms / 1000:.3f}"'
    head = f'    <testcase classname="keyturn.test" name={quote_xml_attribute(str(result.address))}{time}'
    if result.status is TestStatus.PASSED:
        return f"{head}/>"
    message, hint = quote_xml_attribute(result.message), escape_xml_text(escape_line(result.hint))
    if result.status in _SKIPPED_IN_JUNIT:
        inner = f"<skipped message={message}>{hint}</skipped>"
    else:
        kind = quote_xml_attribute(result.reason.value if result.reason else result.status.value)
        inner = f"<failure message={message} type={kind}>{hint}</failure>"
    return f"{head}>\n      {inner}\n    </testcase>"
