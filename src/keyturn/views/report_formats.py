"""Report formats: the choice of a renderer by name, and the text and JSON that all result reports share."""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Final, Protocol, TypeVar

from keyturn.views.json_output import dump_pretty
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, make_bold

SubjectT = TypeVar("SubjectT")


class ResultReport(Protocol):
    """A report on results: lines for a terminal, items for JSON, and a summary line of counts."""

    format_version: ClassVar[str]
    """The version of the JSON document; a higher minor adds keys, a higher major breaks."""

    def build_header(self) -> Mapping[str, object]:
        """Return the JSON members that stand before the summary."""

    def build_items(self) -> Mapping[str, object]:
        """Return the JSON members that stand after the summary."""

    def count_results(self) -> Mapping[str, int]:
        """Return the counts of the summary, by their JSON keys."""

    def summarize(self) -> str:
        """Return the summary line, which a program can parse."""

    def render_lines(self, style: TerminalStyle) -> Iterable[str]:
        """Yield the lines above the summary line."""


def render_in_format(
    renderers: Mapping[str, Callable[[SubjectT, TerminalStyle], str]],
    subject: SubjectT,
    format_name: str,
    style: TerminalStyle,
) -> str:
    """Return ``subject`` in one of the formats; raises ValueError that lists them for an unknown name."""
    if format_name not in renderers:
        raise ValueError(f"unknown format {format_name!a}: choose one of {', '.join(renderers)}")
    return renderers[format_name](subject, style)


def render_report_text(report: ResultReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the lines of a report, a blank line and the summary line."""
    lines = list(report.render_lines(style))
    return "\n".join([*lines, *([""] if lines else []), make_bold(report.summarize(), style)]) + "\n"


def render_report_json(report: ResultReport, _: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a report as an indented JSON document."""
    return dump_pretty(
        {
            "format_version": report.format_version,
            **report.build_header(),
            "summary": {**report.count_results(), "line": report.summarize()},
            **report.build_items(),
        }
    )


RESULT_RENDERERS: Final[Mapping[str, Callable[[ResultReport, TerminalStyle], str]]] = {
    "text": render_report_text,
    "json": render_report_json,
}
"""The renderers of the formats that every result report has."""
