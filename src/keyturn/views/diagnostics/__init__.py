"""Diagnostics as text, JSON, Markdown, or in a format of a CI service."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from keyturn.views.diagnostics.text import (
    DiagnosticReport,
    render_diagnostics_concise,
    render_diagnostics_json,
    render_diagnostics_markdown,
    render_diagnostics_text,
    render_stopping_diagnostics,
)
from keyturn.views.report_formats import render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle


def render_diagnostics(
    report: DiagnosticReport, format_name: str = "text", style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return diagnostics in one of the formats; raises ValueError for another.

    ``text`` has code frames for the ``texts`` of the report, and a summary; ``stopped`` is the same
    without a summary, for errors that stop a command; ``concise`` has one line for each diagnostic;
    ``json`` follows ``schemas/findings.schema.json``; ``github``, ``gitlab`` (Code Quality), ``sarif``
    (2.1.0) and ``junit`` are for CI services.
    """
    return render_in_format(DIAGNOSTIC_RENDERERS, report, format_name, style)


def _render_json(report: DiagnosticReport, _: TerminalStyle) -> str:
    return render_diagnostics_json(report)


def _render_markdown(report: DiagnosticReport, _: TerminalStyle) -> str:
    return render_diagnostics_markdown(report)


def _render_for_ci(format_name: str, report: DiagnosticReport, _: TerminalStyle) -> str:
    # The XML modules are slow to import; a commit hook needs only text.
    from keyturn.views.diagnostics.ci_formats import CI_RENDERERS  # noqa: PLC0415

    return CI_RENDERERS[format_name](report)


DIAGNOSTIC_RENDERERS: Final[Mapping[str, Callable[[DiagnosticReport, TerminalStyle], str]]] = {
    "text": render_diagnostics_text,
    "stopped": render_stopping_diagnostics,
    "concise": render_diagnostics_concise,
    "json": _render_json,
    "markdown": _render_markdown,
    **{name: partial(_render_for_ci, name) for name in ("github", "gitlab", "sarif", "junit")},
}
"""The renderers of diagnostics by format name."""
