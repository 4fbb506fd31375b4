"""Invisible characters and commands of CI runners, which no output may contain."""

import re
import unicodedata

RUNNER_COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)
"""A command of GitHub's runner, of Azure's (``##vso[``) and of TeamCity's."""

CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
WIDTHLESS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u200b\u200c\u200d\u2060\u3164\ufe00\ufe0f\ufeff\uffa0\U000e0101"
)

SAMPLES_BY_SORT = {
    "C0": "".join(map(chr, range(0x20))),
    "DEL and C1": "".join(map(chr, range(0x7F, 0xA0))),
    "direction": "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "zero width": WIDTHLESS,
    "separators": "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e",
    "tags": "".join(map(chr, range(0xE0000, 0xE0080))),
    "variation": "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])),
    "lone surrogates": "\ud800\udbff\udc00\udfff",
    "private": "\ue000\uf8ff\U000f0000\U0010fffd",
    "noncharacters": "\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffff",
    "interlinear": "\ufff9\ufffa\ufffb\ufffc",
    "ANSI": "\x1b[31mred\x1b]8;;http://evil\x07\x1b[2J\x9b31m\x1bc",
    "commands": "::error::x\n::add-mask::y\r\n ::stop-commands::t\n##[group]g ##vso[task.x]y ##teamcity[z]",
}
"""Samples of every sort of forbidden text."""


def find_invisible(text: str) -> set[str]:
    """Return the characters of ``text`` that are invisible or control a terminal."""
    return {letter for letter in text if unicodedata.category(letter) in CATEGORIES or letter in WIDTHLESS}
