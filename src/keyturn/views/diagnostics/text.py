"""What ``validate`` found, for people: with code frames, one line each, or as markdown; and as JSON."""

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
"""Bytes of the markdown form: GitHub takes 65,536 characters in a comment."""

_SEVERITY_TONES: Final = {
    Severity.ERROR: Tone.DANGER,
    Severity.WARNING: Tone.WARNING,
    Severity.NOTE: Tone.CHANGE,
}


class DiagnosticReport(Struct, frozen=True, kw_only=True):
    """What was found and where was looked.

    ``files`` are the paths that were checked, below the project's root; ``texts`` the content of
    those whose lines may be shown; ``base`` is the project's root below the repository's, or empty.
    """

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    base_folder: str = ""

    @property
    def ranked_diagnostics(self) -> tuple[Diagnostic, ...]:
        """The findings without repetitions, worst first, then by place."""
        return tuple(sorted(dict.fromkeys(self.diagnostics), key=lambda finding: finding.sort_key))

    def visible_lines(self, file: str) -> frozenset[int] | None:
        """Return the lines of a file whose values a frame may show; None for all of them.

        A file with broken YAML or a misspelled key may hold a secret on any line.
        """
        here = [each for each in self.diagnostics if each.origin.file == file]
        doubtful = {each.origin.line for each in here if each.cause is Cause.POSSIBLE_PLAINTEXT}
        return frozenset({each.origin.line for each in here} - doubtful) if doubtful else None

    def repository_path(self, diagnostic: Diagnostic) -> str:
        """Return the file of a finding below the repository's root."""
        return f"{self.base_folder}/{diagnostic.origin.file}" if self.base_folder else diagnostic.origin.file


def render_diagnostics_text(report: DiagnosticReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the findings with code frames and what to do about each; the last line counts them."""
    blocks = ["\n".join(_render_block(finding, report, style)) for finding in report.ranked_diagnostics]
    explain = [_format_explain_hint(report)] if blocks else []
    return (
        "\n\n".join([*blocks, "\n".join([*explain, make_bold(summarize_diagnostics(report), style)])]) + "\n"
    )


def render_stopping_diagnostics(report: DiagnosticReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return the findings that stopped a command, each with its frame, and how to learn more."""
    blocks = ["\n".join(_render_block(finding, report, style)) for finding in report.ranked_diagnostics]
    return "\n\n".join([*blocks, _format_explain_hint(report)])


def render_diagnostics_concise(report: DiagnosticReport, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return one line for each finding, ``file:line:column: severity CODE message``; nothing for none."""
    return "".join(f"{format_concise(finding, style)}\n" for finding in report.ranked_diagnostics)


def render_diagnostics_json(report: DiagnosticReport) -> str:
    """Return the findings as JSON, as ``schemas/findings.schema.json`` says."""
    grades = Counter(finding.severity for finding in report.ranked_diagnostics)
    return dump_pretty(
        {
            "format_version": DIAGNOSTICS_FORMAT_VERSION,
            "files": sorted(report.files),
            "summary": {f"{grade.name.lower()}s": grades[grade] for grade in Severity},
            "findings": [
                {**diagnostic_to_json(finding), "title": find_code_title(finding)}
                for finding in report.ranked_diagnostics
            ],
        }
    )


def render_diagnostics_markdown(report: DiagnosticReport, *, budget: int = DIAGNOSTICS_COMMENT_BUDGET) -> str:
    """Return the findings as markdown by file, at most ``budget`` bytes; what does not fit is counted."""
    head = f"### Keyturn validate\n\n**{escape_markdown(summarize_diagnostics(report))}**\n"
    blocks, size = [head], len(head.encode()) + 200
    ranked = report.ranked_diagnostics
    for place, group in groupby(ranked, key=lambda finding: finding.origin.file):
        for number, finding in enumerate(group):
            block = ("" if number else f"\n{escape_inline_code(place)}\n\n") + f"{_render_bullet(finding)}\n"
            size += len(block.encode())
            if size > budget:
                left = len(ranked) - ranked.index(finding)
                return "".join([*blocks, f"\n**{left:,} more are left out:** run `keyturn validate`.\n"])
            blocks.append(block)
    return "".join(blocks)


def format_concise(diagnostic: Diagnostic, style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a finding on one line."""
    grade = colorize(
        f"{diagnostic.severity.name.lower()} {diagnostic.code}", _SEVERITY_TONES[diagnostic.severity], style
    )
    return f"{escape_line(str(diagnostic.origin))}: {grade} {escape_line(diagnostic.message)}"


def summarize_diagnostics(report: DiagnosticReport) -> str:
    """Return the last line, such as ``3 files checked: 1 error, 2 warnings.`` for a log."""
    grades = Counter(finding.severity for finding in report.ranked_diagnostics)
    said = [pluralize(grades[grade], grade.name.lower()) for grade in Severity if grades[grade]]
    return f"{pluralize(len(report.files), 'file')} checked: {', '.join(said) or 'nothing found'}."


def find_code_title(diagnostic: Diagnostic) -> str:
    """Return what a finding's code says in a few words; the code itself where the table lacks it."""
    known = load_catalog().get(diagnostic.code)
    return known.title if known else diagnostic.code


def _render_block(diagnostic: Diagnostic, report: DiagnosticReport, style: TerminalStyle) -> list[str]:
    tone = _SEVERITY_TONES[diagnostic.severity]
    grade = f"{diagnostic.severity.name.lower()}[{diagnostic.code}]"
    head = wrap_text(f"{grade}: ", escape_line(diagnostic.message), style.width)
    lines = [f"{colorize(grade, tone, style, bold=True)}{head[len(grade) :]}"]
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
    return f"Why and how: keyturn explain {report.ranked_diagnostics[0].code}"


def _render_bullet(diagnostic: Diagnostic) -> str:
    place = str(diagnostic.origin)[len(diagnostic.origin.file) :].lstrip(":")
    fix = f" Fix: {escape_markdown(diagnostic.hint)}" if diagnostic.hint else ""
    where = f"line {place}: " if place else ""
    grade = diagnostic.severity.name.lower()
    return f"- **{grade}** {escape_inline_code(diagnostic.code)} {where}{escape_markdown(diagnostic.message)}{fix}"
