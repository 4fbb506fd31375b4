"""What ``validate`` found, for people: with code frames, one line each, or as markdown; and as JSON."""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from typing import Final

from msgspec import Struct, field

from keyturn.catalog import load_catalog
from keyturn.core.counting import numbered
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.resource import EMPTY
from keyturn.render.cells import fold
from keyturn.render.frame import frame
from keyturn.render.json_text import dumped, finding_tree
from keyturn.render.parts import Tone
from keyturn.render.safe import inline_code, line, md
from keyturn.render.style import PLAIN, Style, paint, strong

FORMAT: Final = "1.0"

COMMENT: Final = 60 * 1024
"""Bytes of the markdown form: GitHub takes 65,536 characters in a comment."""

_TONES: Final = {Severity.ERROR: Tone.DANGER, Severity.WARNING: Tone.CARE, Severity.NOTE: Tone.CHANGE}


class Findings(Struct, frozen=True, kw_only=True):
    """What was found and where was looked.

    ``files`` are the paths that were checked, below the project's root; ``texts`` the content of
    those whose lines may be shown; ``base`` is the project's root below the repository's, or empty.
    """

    found: tuple[Diagnostic, ...]
    files: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    base: str = ""

    @property
    def ranked(self) -> tuple[Diagnostic, ...]:
        """The findings without repetitions, worst first, then by place."""
        return tuple(sorted(dict.fromkeys(self.found), key=lambda finding: finding.rank))

    def clear(self, file: str) -> frozenset[int] | None:
        """Return the lines of a file whose values a frame may show; None for all of them.

        A file with broken YAML or a misspelled key may hold a secret on any line.
        """
        here = [each for each in self.found if each.origin.file == file]
        doubtful = {each.origin.line for each in here if each.cause is Cause.POSSIBLE_PLAINTEXT}
        return frozenset({each.origin.line for each in here} - doubtful) if doubtful else None

    def path(self, finding: Diagnostic) -> str:
        """Return the file of a finding below the repository's root."""
        return f"{self.base}/{finding.origin.file}" if self.base else finding.origin.file


def findings_text(findings: Findings, style: Style = PLAIN) -> str:
    """Return the findings with code frames and what to do about each; the last line counts them."""
    blocks = ["\n".join(_block(finding, findings, style)) for finding in findings.ranked]
    explain = [_explain(findings)] if blocks else []
    return "\n\n".join([*blocks, "\n".join([*explain, strong(tally(findings), style)])]) + "\n"


def stopped(findings: Findings, style: Style = PLAIN) -> str:
    """Return the findings that stopped a command, each with its frame, and how to learn more."""
    blocks = ["\n".join(_block(finding, findings, style)) for finding in findings.ranked]
    return "\n\n".join([*blocks, _explain(findings)])


def findings_concise(findings: Findings, style: Style = PLAIN) -> str:
    """Return one line for each finding, ``file:line:column: severity CODE message``; nothing for none."""
    return "".join(f"{concise(finding, style)}\n" for finding in findings.ranked)


def findings_json(findings: Findings) -> str:
    """Return the findings as JSON, as ``schemas/findings.schema.json`` says."""
    grades = Counter(finding.severity for finding in findings.ranked)
    return dumped(
        {
            "format_version": FORMAT,
            "files": sorted(findings.files),
            "summary": {f"{grade.name.lower()}s": grades[grade] for grade in Severity},
            "findings": [{**finding_tree(finding), "title": title(finding)} for finding in findings.ranked],
        }
    )


def findings_markdown(findings: Findings, *, budget: int = COMMENT) -> str:
    """Return the findings as markdown by file, at most ``budget`` bytes; what does not fit is counted."""
    head = f"### Keyturn validate\n\n**{md(tally(findings))}**\n"
    blocks, size = [head], len(head.encode()) + 200
    ranked = findings.ranked
    for place, group in groupby(ranked, key=lambda finding: finding.origin.file):
        for number, finding in enumerate(group):
            block = ("" if number else f"\n{inline_code(place)}\n\n") + f"{_bullet(finding)}\n"
            size += len(block.encode())
            if size > budget:
                left = len(ranked) - ranked.index(finding)
                return "".join([*blocks, f"\n**{left:,} more are left out:** run `keyturn validate`.\n"])
            blocks.append(block)
    return "".join(blocks)


def concise(finding: Diagnostic, style: Style = PLAIN) -> str:
    """Return a finding on one line."""
    grade = paint(f"{finding.severity.name.lower()} {finding.code}", _TONES[finding.severity], style)
    return f"{line(str(finding.origin))}: {grade} {line(finding.message)}"


def tally(findings: Findings) -> str:
    """Return the last line, such as ``3 files checked: 1 error, 2 warnings.`` for a log."""
    grades = Counter(finding.severity for finding in findings.ranked)
    said = [numbered(grades[grade], grade.name.lower()) for grade in Severity if grades[grade]]
    return f"{numbered(len(findings.files), 'file')} checked: {', '.join(said) or 'nothing found'}."


def title(finding: Diagnostic) -> str:
    """Return what a finding's code says in a few words; the code itself where the table lacks it."""
    known = load_catalog().get(finding.code)
    return known.title if known else finding.code


def _block(finding: Diagnostic, findings: Findings, style: Style) -> list[str]:
    tone = _TONES[finding.severity]
    grade = f"{finding.severity.name.lower()}[{finding.code}]"
    head = fold(f"{grade}: ", line(finding.message), style.width)
    lines = [f"{paint(grade, tone, style, bold=True)}{head[len(grade) :]}"]
    lines.append(f"{paint('  -->', Tone.QUIET, style)} {line(str(finding.origin))}")
    text = findings.texts.get(finding.origin.file)
    if text is not None:
        lines += frame(text, finding.origin, style, tone=tone, clear=findings.clear(finding.origin.file))
    if finding.hint:
        lines.append(fold("  = fix: ", line(finding.hint), style.width))
    return lines


def _explain(findings: Findings) -> str:
    return f"Why and how: keyturn explain {findings.ranked[0].code}"


def _bullet(finding: Diagnostic) -> str:
    place = str(finding.origin)[len(finding.origin.file) :].lstrip(":")
    fix = f" Fix: {md(finding.hint)}" if finding.hint else ""
    where = f"line {place}: " if place else ""
    grade = finding.severity.name.lower()
    return f"- **{grade}** {inline_code(finding.code)} {where}{md(finding.message)}{fix}"
