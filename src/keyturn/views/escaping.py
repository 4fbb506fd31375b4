"""Escaping: text from a file or the service is escaped here before it is shown.

A name can contain terminal escapes, direction marks that reorder the visible text, markup, or a CI
runner command. Each function makes text safe for one sink.
"""

import html as _html
import re
from typing import Final
from urllib.parse import quote

_INVISIBLE: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tab and line feed, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible letters and joiners
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2"  # prefixed format characters of Arabic and Syriac
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, separators, direction
    "\u3164\ufeff\uffa0\ufe00-\ufe0f\ufff0-\ufffc\ufffe\uffff"  # fillers, variation selectors, specials
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef"  # surrogates, private use, non-characters
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff"  # tags, variation selectors, private planes
    "]"
)
# Runners read `::command` at the start of a line, and `##[command]` or `##vso[` anywhere in it.
_RUNNER_COMMAND: Final = re.compile(r"(?<!\S)::|##(?=\w*\[)")
_PUNCTUATION: Final = re.compile(r"[\\`*_\[\]#!|<>&~]|^[-+=]")
# Forges render mentions, issue numbers, URLs, emoji names and formulas.
_FORGE_SYNTAX: Final = re.compile(r"@|#\w|://|www\.|:\w+:|\$|\bGH-\d", re.IGNORECASE)
_CODE_SPAN: Final = re.compile(r"`([^`]+)`")


def escape_terminal(text: str) -> str:
    r"""Return text for a terminal or a log: invisible characters become ``\u{…}``.

    Line feeds and tabs stay. The result contains no CI runner command. The function is idempotent.
    """
    return _RUNNER_COMMAND.sub(_escape_character, _INVISIBLE.sub(_escape_character, text))


def escape_line(text: str) -> str:
    """Return text as ``escape_terminal`` does, on one line: line feeds and tabs are escaped, too."""
    return escape_terminal(text.replace("\n", r"\u{a}").replace("\t", r"\u{9}"))


def escape_inline_code(text: str) -> str:
    """Return text as a CommonMark code span with exactly this content."""
    code = escape_line(text)
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * (longest + 1)
    # CommonMark strips one space at both ends if both have one, unless all is spaces.
    space = " " if code.strip() and (code[0] in "` " or code[-1] in "` ") else ""
    return f"{fence}{space}{code or '(empty)'}{space}{fence}"


def escape_markdown(text: str) -> str:
    """Return prose for CommonMark; the only markup is the code spans in backticks.

    Words that a forge would render as a mention, a link, an emoji or a formula become code spans.
    """
    result = ""
    for index, part in enumerate(_CODE_SPAN.split(escape_line(text))):
        escaped = escape_inline_code(part) if index % 2 else _escape_prose(part)
        # Adjacent backticks would form one run.
        result += f" {escaped}" if result.endswith("`") and escaped.startswith("`") else escaped
    return result


def escape_html(text: str) -> str:
    """Return text for an HTML element or a quoted attribute."""
    return _html.escape(escape_line(text), quote=True)


def percent_encode(text: str, safe: str = "") -> str:
    """Return text percent-encoded (RFC 3986), except letters, digits, ``_.-~`` and ``safe`` characters."""
    return quote(text.encode("utf-8", "replace"), safe=safe)


def escape_workflow_command(text: str, *, property: bool = False) -> str:  # noqa: A002  # GitHub's term
    """Return text for the message or a ``property`` of a GitHub workflow command.

    Same escapes as actions/toolkit, ``packages/core/src/command.ts``.
    """
    data = escape_terminal(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return data.replace(":", "%3A").replace(",", "%2C") if property else data


def render_code_fence(lines: tuple[str, ...], language: str = "") -> str:
    """Return a fenced code block with these lines, each escaped."""
    body = "\n".join(map(escape_line, lines))
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{body}\n{ticks}"


def _escape_character(match: re.Match[str]) -> str:
    first, rest = match.group()[0], match.group()[1:]
    return f"\\u{{{ord(first):x}}}{rest}"


def _escape_prose(text: str) -> str:
    words = re.split(r"(\s+)", text)
    return "".join(
        escape_inline_code(word) if _FORGE_SYNTAX.search(word) else _escape_word(word) for word in words
    )


def _escape_word(word: str) -> str:
    escaped = _PUNCTUATION.sub(r"\\\g<0>", word)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)
