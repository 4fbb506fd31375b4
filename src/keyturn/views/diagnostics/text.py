"""Diagnostics as text with code frames, one line each, Markdown or JSON."""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from typing import Final

from msgspec import Struct, field

from keyturn.catalog import load_catalog
from keyturn.model.diagnostic import Cause, Diagnostic, Severity, pluralize
from keyturn.model.resource import EMPTY
from keyturn.views.diagnostics.code_frame import render_code_frame
from keyturn.views.escaping import escape_inline_code, escape_line, escape_markdown
from keyturn.views.json_output import diagnostic_to_json, dump_pretty
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, make_bold, wrap_text

DIAGNOSTICS_FORMAT_VERSION: Final = "1.0"

DIAGNOSTICS_COMMENT_BUDGET: Final = 60 * 1024
"""Bytes of the Markdown format: GitHub allows 65,536 characters in a comment."""

_SEVERITY_TONES: Final = {
    Severity.ERROR: Tone.DANGER,
    Severity.WARNING: Tone.WARNING,
    Severity.NOTE: Tone.CHANGE,
}


class DiagnosticReport(Struct, frozen=True, kw_only=True):
    """Diagnostics with the checked files.

    ``files`` are the checked paths, relative to the project root. ``texts`` is the content of the files
    that code frames may show. ``base_folder`` is the project root relative to the repository root.
    """

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    base_folder: str = ""

    @property
    def ranked_diagnostics(self) -> tuple[Diagnostic, ...]:
        """The diagnostics without duplicates, by severity, then by location."""
        return tuple(sorted(dict.fromkeys(self.diagnostics), key=lambda diagnostic: diagnostic.sort_key))

    def visible_lines(self, file: str) -> frozenset[int] | None:
        """Return the lines of a file whose values a code frame may show; None for all.

        A file with broken YAML or a misspelled key may contain a secret on any line.
        """
        here = [each for each in self.diagnostics if each.origin.file == file]
        hidden = {each.origin.line for each in here if each.cause is Cause.POSSIBLE_PLAINTEXT}
        return frozenset({each.origin.line for each in here} - hidden) if hidden else None

    def repository_path(self, diagnostic: Diagnostic) -> str:
        """Return the file of a diagnostic relative to the repository root."""
        return f"{self.base_folder}/{diagnostic.origin.file}" if self.base_folder else diagnostic.origin.file


def render_diagnostics_text(report: DiagnosticReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the diagnostics with code frames and fixes; the last line is the summary."""
    blocks = ["\n".join(_render_block(diagnostic, report, style)) for diagnostic in report.ranked_diagnostics]
    explain = [_format_explain_hint(report)] if blocks else []
    return (
        "\n\n".join([*blocks, "\n".join([*explain, make_bold(summarize_diagnostics(report), style)])]) + "\n"
    )


def render_stopping_diagnostics(report: DiagnosticReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the errors that stopped a command, with code frames, and the command that explains them."""
    blocks = ["\n".join(_render_block(diagnostic, report, style)) for diagnostic in report.ranked_diagnostics]
    return "\n\n".join([*blocks, _format_explain_hint(report)])


def render_diagnostics_concise(report: DiagnosticReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return one line for each diagnostic: ``file:line:column: severity CODE message``."""
    return "".join(f"{format_concise(diagnostic, style)}\n" for diagnostic in report.ranked_diagnostics)


def render_diagnostics_json(report: DiagnosticReport) -> str:
    """Return the diagnostics as JSON according to ``schemas/findings.schema.json``."""
    counts = Counter(each.severity for each in report.ranked_diagnostics)
    return dump_pretty(
        {
            "format_version": DIAGNOSTICS_FORMAT_VERSION,
            "files": sorted(report.files),
            "summary": {f"{severity.name.lower()}s": counts[severity] for severity in Severity},
            "findings": [
                {**diagnostic_to_json(diagnostic), "title": find_code_title(diagnostic)}
                for diagnostic in report.ranked_diagnostics
            ],
        }
    )


def render_diagnostics_markdown(report: DiagnosticReport, *, budget: int = DIAGNOSTICS_COMMENT_BUDGET) -> str:
    """Return the diagnostics as Markdown by file, at most ``budget`` bytes; the rest is counted."""
    head = f"### Keyturn validate\n\n**{escape_markdown(summarize_diagnostics(report))}**\n"
    blocks, size = [head], len(head.encode()) + 200
    ranked = report.ranked_diagnostics
    for file, group in groupby(ranked, key=lambda diagnostic: diagnostic.origin.file):
        for number, diagnostic in enumerate(group):
            block = (
                "" if number else f"\n{escape_inline_code(file)}\n\n"
            ) + f"{_render_bullet(diagnostic)}\n"
            size += len(block.encode())
            if size > budget:
                left = len(ranked) - ranked.index(diagnostic)
                return "".join([*blocks, f"\n**{left:,} more are omitted:** run `keyturn validate`.\n"])
            blocks.append(block)
    return "".join(blocks)


def format_concise(diagnostic: Diagnostic, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a diagnostic on one line."""
    label = colorize(
        f"{diagnostic.severity.name.lower()} {diagnostic.code}", _SEVERITY_TONES[diagnostic.severity], style
    )
    return f"{escape_line(str(diagnostic.origin))}: {label} {escape_line(diagnostic.message)}"


def summarize_diagnostics(report: DiagnosticReport) -> str:
    """Return the summary line.

    It reads ``12 files checked, no problems found.`` or ``3 errors and 1 warning in 2 of 12 files.``
    """
    found = Counter(each.severity for each in report.ranked_diagnostics)
    *first, last = [pluralize(found[severity], severity.name.lower()) for severity in sorted(found)] or [""]
    files = {each.origin.file for each in report.ranked_diagnostics}
    total = len(files.union(report.files))
    if not found:
        return f"{pluralize(total, 'file')} checked, no problems found."
    counts = f"{', '.join(first)} and {last}" if first else last
    return f"{counts} in {len(files):,} of {pluralize(total, 'file')}."


def find_code_title(diagnostic: Diagnostic) -> str:
    """Return the title of a diagnostic code; the code itself if the catalog lacks it."""
    entry = load_catalog().get(diagnostic.code)
    return entry.title if entry else diagnostic.code


def _render_block(diagnostic: Diagnostic, report: DiagnosticReport, style: TerminalStyle) -> list[str]:
    tone = _SEVERITY_TONES[diagnostic.severity]
    label = f"{diagnostic.severity.name.lower()}[{diagnostic.code}]"
    head = wrap_text(f"{label}: ", escape_line(diagnostic.message), style.width)
    lines = [f"{colorize(label, tone, style, bold=True)}{head[len(label) :]}"]
    lines.append(f"{colorize('  -->', Tone.MUTED, style)} {escape_line(str(diagnostic.origin))}")
    text = report.texts.get(diagnostic.origin.file)
    if text is not None:
        lines += render_code_frame(
            text, diagnostic.origin, style, tone=tone, clear=report.visible_lines(diagnostic.origin.file)
        )
    if diagnostic.hint:
        lines.append(wrap_text("  = fix: ", escape_line(diagnostic.hint), style.width))
    return lines


def _format_explain_hint(report: DiagnosticReport) -> str:
    return f"Explanation: keyturn explain {report.ranked_diagnostics[0].code}"


def _render_bullet(diagnostic: Diagnostic) -> str:
    position = str(diagnostic.origin)[len(diagnostic.origin.file) :].lstrip(":")
    fix = f" Fix: {escape_markdown(diagnostic.hint)}" if diagnostic.hint else ""
    where = f"line {position}: " if position else ""
    head = f"**{diagnostic.severity.name.lower()}** {escape_inline_code(diagnostic.code)}"
    return f"- {head} {where}{escape_markdown(diagnostic.message)}{fix}"
