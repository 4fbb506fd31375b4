"""Findings in each of their forms."""

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
from keyturn.views.forms import select_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle


def _render_annotations(form: str, report: DiagnosticReport, _: TerminalStyle) -> str:
    # XML's escaping comes with half of the network's modules, which a hook need not wait for.
    from keyturn.views.diagnostics.ci_formats import CI_RENDERERS  # noqa: PLC0415

    return CI_RENDERERS[form](report)


DIAGNOSTIC_RENDERERS: Final[Mapping[str, Callable[[DiagnosticReport, TerminalStyle], str]]] = {
    "text": render_diagnostics_text,
    "stopped": render_stopping_diagnostics,
    "concise": render_diagnostics_concise,
    "json": lambda findings, _: render_diagnostics_json(findings),
    "markdown": lambda findings, _: render_diagnostics_markdown(findings),
    **{form: partial(_render_annotations, form) for form in ("github", "gitlab", "sarif", "junit")},
}


def render_diagnostics(
    report: DiagnosticReport, form: str = "text", style: TerminalStyle = PLAIN_STYLE
) -> str:
    """Return findings in one of their forms; raises ValueError for one that there is not.

    ``text`` has code frames where ``findings`` hold the files' content, and counts at its end;
    ``stopped`` is the same for what stopped a whole run, so that nothing is counted; ``concise`` has
    a line for each; ``json`` is as ``schemas/findings.schema.json`` says; ``github``, ``gitlab``
    (Code Quality), ``sarif`` (2.1.0) and ``junit`` are for what shows them beside the files.
    """
    return select_format(DIAGNOSTIC_RENDERERS, form)(report, style)
