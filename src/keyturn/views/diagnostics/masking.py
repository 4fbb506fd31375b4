"""Masks possible secrets in the lines of a manifest; structure and plain values stay visible.

The text can be broken YAML, so the masking works by line, and hides what it does not recognize. Below
``secrets:`` it shows only keys that consist of known words.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from keyturn.model.fields import MASK_TEXT, is_field_name
from keyturn.model.secret_detection import is_secret_name, is_secret_value

_ENCRYPTED_MASK: Final = "ENC[…]"
_TOP_KEYS: Final = frozenset(
    {"kind", "name", "type", "labels", "config", "credential", "rotation", "lifecycle", "moved_from"}
    | {"keep", "waive", "sops", "version", "workspaces", "policy", "decryptor", "fingerprint_key"}
)
_TOP_KEY: Final = re.compile(r"([\"']?)([A-Za-z_][\w-]*)\1\s*:(?=\s|$)")
_SECRETS: Final = re.compile(r"(?<![\w-])[\"']?secrets[\"']?\s*:", re.IGNORECASE)
_PAIR: Final = re.compile(
    r"(\s*(?:-\s+)*)((?P<q>[\"']?)([^\s\"':#{}\[\],&*!|>%@`-][^\"':#]*?)(?P=q))(\s*:)(\s+|$)(.*)"
)
_ENTRY: Final = re.compile(
    r"""(\s*([\w.-]{1,64})\s*:\s+)("[^"\\]*"|'[^']*'|[^\s"'{}\[\],#&*!|>%@`][^"'{}\[\],#]*?)(\s*(?:,|\}\s*$))"""
)
_ITEM: Final = re.compile(r"(\s*(?:-\s+)+)(.*)")
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*")
_BLOCK: Final = re.compile(r"[|>][-+0-9]*\s*$")
_KEY: Final = re.compile(r"[\w. -]{1,64}")
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9+=_/-]{20,}")
_INNER_KEY: Final = re.compile(r"([\w-]+)[\"']?\s*[:=]")


class LinePiece(Struct, frozen=True):
    """A part of a source line, by ``start`` (from 0) and ``length``, and the text that is shown for it."""

    start: int
    length: int
    shown: str
    verbatim: bool


def mask_lines(
    text: str, first: int, last: int, clear: frozenset[int] | None
) -> tuple[tuple[LinePiece, ...], ...]:
    """Return the pieces of lines ``first`` to ``last`` of a file, counted from 1.

    ``clear`` are the lines whose values may be shown; None for all.
    """
    masker = _LineMasker()
    lines = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n")[:last], 1):
        doubtful = clear is not None and number not in clear
        pieces = tuple(masker.mask_line(line.removesuffix("\r"), doubtful=doubtful))
        if number >= first:
            lines.append(pieces)
    return tuple(lines)


class _LineMasker:
    # State between lines: inside ``secrets:``, inside a hidden value, inside a block scalar.

    def __init__(self) -> None:
        self._secret = False
        self._hidden = -1
        self._block = -1

    def mask_line(self, line: str, *, doubtful: bool) -> Iterator[LinePiece]:
        top = _TOP_KEY.match(line)
        if top and top[2] in _TOP_KEYS:
            self._secret, self._hidden, self._block = False, -1, -1
        found = None if self._secret else _SECRETS.search(line)
        if found:
            self._secret = True
            yield from _split_pair(
                line, (found.start(), found.end()), shows=not line[: found.start()].strip()
            )
        elif self._secret:
            yield from _mask_secret_line(line)
        else:
            yield from self._mask_plain(line, doubtful=doubtful)

    def _mask_plain(self, line: str, *, doubtful: bool) -> Iterator[LinePiece]:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            return
        if indent <= self._hidden:
            self._hidden = -1
        if indent <= self._block:
            self._block = -1
        if self._hidden >= 0:
            yield from _hide_line(line, indent)
        elif self._block >= 0:
            yield from self._mask_block_line(line, indent)
        else:
            yield from self._mask_node(line, indent, doubtful=doubtful)

    def _mask_block_line(self, line: str, indent: int) -> Iterator[LinePiece]:
        if may_hold_secret(line):
            self._hidden = self._block
            yield from _hide_line(line, indent)
        else:
            yield LinePiece(0, len(line), line, verbatim=True)

    def _mask_node(self, line: str, indent: int, *, doubtful: bool) -> Iterator[LinePiece]:
        pair, item = _PAIR.match(line), _ITEM.match(line)
        if pair and _KEY.fullmatch(pair[4]) and not may_hold_secret(pair[4]):
            value, at = pair[7], pair.start(7)
            secret = doubtful or is_secret_name(pair[4])
            if secret and (value.strip() or is_secret_name(pair[4])):
                self._hidden = indent
            elif _BLOCK.search(value):
                self._block = indent
            yield LinePiece(0, at, line[:at], verbatim=True)
            entries = [] if is_secret_name(pair[4]) or not doubtful else _mask_flow_entries(line, at)
            yield from entries or _mask_value(line, at, secret=secret)
        elif item:
            yield LinePiece(0, item.end(1), item[1], verbatim=True)
            yield from _mask_value(line, item.end(1), secret=doubtful)
        elif line.strip().startswith("#"):
            yield LinePiece(0, len(line), f"{line[:indent]}# …", verbatim=False)
        else:
            yield from _hide_line(line, indent)


def may_hold_secret(text: str) -> bool:
    """Return whether text may contain a secret: a known format, a password in a URL, random characters."""
    if is_secret_value(text) or "-----" in text or any(map(is_secret_name, _INNER_KEY.findall(text))):
        return True
    return any(_is_random(run) for run in _LONG_RUN.findall(text))


def _is_random(run: str) -> bool:
    if re.fullmatch(r"[0-9a-fA-F]{32,}", run):
        return True
    counts = Counter(run)
    entropy = -sum(n / len(run) * math.log2(n / len(run)) for n in counts.values())
    kinds = sum(bool(re.search(kind, run)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds > 1 and entropy >= 4  # noqa: PLR2004  # bits per character; words are below, base64 is above


def _mask_secret_line(line: str) -> Iterator[LinePiece]:
    indent = len(line) - len(line.lstrip())
    pair = _PAIR.match(line)
    if not line.strip():
        return
    if pair and is_field_name(pair[4]):
        yield from _split_pair(line, (pair.start(2), pair.end(5)), shows=True)
    else:
        yield from _hide_line(line, indent)


def _split_pair(line: str, key: tuple[int, int], *, shows: bool) -> Iterator[LinePiece]:
    start, end = key
    if shows:
        yield LinePiece(0, end, line[:end], verbatim=True)
    else:
        yield LinePiece(0, start, MASK_TEXT + " ", verbatim=False)
        yield LinePiece(start, end - start, line[start:end], verbatim=True)
    rest = line[end:]
    if rest.strip():
        shown = _ENCRYPTED_MASK if rest.strip().startswith("ENC[") else MASK_TEXT
        space = len(rest) - len(rest.lstrip())
        yield LinePiece(end, space, rest[:space], verbatim=True)
        yield LinePiece(end + space, len(rest) - space, shown, verbatim=False)


def _mask_flow_entries(line: str, at: int) -> list[LinePiece]:
    # The caret below a key of a flow mapping needs a visible key.
    pieces = [LinePiece(at, 1, "{", verbatim=True)]
    end = at + 1
    while line[at : at + 1] == "{" and (entry := _ENTRY.match(line, end)) and not may_hold_secret(entry[2]):
        pieces.append(LinePiece(end, len(entry[1]), entry[1], verbatim=True))
        pieces.append(LinePiece(entry.start(3), len(entry[3]), MASK_TEXT, verbatim=False))
        pieces.append(LinePiece(entry.start(4), len(entry[4]), entry[4], verbatim=True))
        end = entry.end()
    return pieces if end == len(line) and line.rstrip().endswith("}") else []


def _mask_value(line: str, at: int, *, secret: bool) -> Iterator[LinePiece]:
    rest = line[at:]
    if not rest.strip():
        return
    if rest.startswith("ENC["):
        yield LinePiece(at, len(rest), _ENCRYPTED_MASK, verbatim=False)
        return
    comment = _COMMENT.search(rest)
    stop = comment.start() if comment else len(rest)
    if stop and (secret or may_hold_secret(rest)):
        yield LinePiece(at, len(rest), MASK_TEXT, verbatim=False)
        return
    yield LinePiece(at, stop, rest[:stop], verbatim=True)
    if comment:
        yield LinePiece(at + stop, len(rest) - stop, "# …", verbatim=False)


def _hide_line(line: str, indent: int) -> Iterator[LinePiece]:
    yield LinePiece(0, indent, line[:indent], verbatim=True)
    yield LinePiece(indent, len(line) - indent, MASK_TEXT, verbatim=False)
