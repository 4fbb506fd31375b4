"""Edits of single values in the text of a YAML file; all other characters stay unchanged."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct

from keyturn.model.fields import FieldPath
from keyturn.yamldoc.reader import Document, SourceSpan
from keyturn.yamldoc.scalars import quote_text

_RESERVED_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_BLOCK_HEADER: Final = re.compile(r"[|>][0-9+-]*")


class _TextEdit(Struct, frozen=True, order=True):
    """Replaces the characters from ``start`` up to ``end`` of a text."""

    start: int
    end: int
    text: str


def set_values(document: Document, tokens: Mapping[FieldPath, str]) -> str | None:
    """Return the text of a document with new YAML tokens at the given paths, None where that is impossible.

    A token is one line; for the path of a block scalar also its text, and for that of a list in block
    style also its lines (``- a``). The value of an existing path is replaced, with all its lines. A new
    path becomes the last key of an existing mapping in block style. A new line has the line end of the
    line above. Callers parse the result and compare it.
    """
    text = _LineIndex(document.text)
    edits: list[_TextEdit] = []
    for path, token in tokens.items():
        span = document.spans.get(path)
        if span is None:
            found = _insert_key(document, text, path, token)
        elif span.end_line:
            found = text.replace_value(span, token)
        else:
            found = _replace_collection(text, span, _find_last_line(document, text, path), token)
        if not found:
            return None
        edits += found
    return _apply_edits(document.text, edits)


def is_block_scalar(document: Document, path: FieldPath) -> bool:
    """Tell whether the value at ``path`` exists and is a block scalar (``|`` or ``>``)."""
    span = document.spans.get(path)
    return span is not None and _LineIndex(document.text).is_block(span)


def is_block_list(document: Document, path: FieldPath) -> bool:
    """Tell whether the value at ``path`` exists and is a list with a line for each item."""
    span = document.spans.get(path)
    return span is not None and not span.end_line and (*path, "0") in document.spans


def remove_keys(document: Document, paths: Collection[FieldPath]) -> str | None:
    """Return the text of a document without the keys at the given paths, None where that is impossible.

    A comment after a value is kept on its own line. A key cannot be removed if it shares a line
    with another key, or if a mapping or list of several lines contains ``#``. Callers parse the result
    and compare it before they use it.
    """
    text = _LineIndex(document.text)
    edits = []
    for path in paths:
        first, last = document.spans[path].key_line, _find_last_line(document, text, path)
        if first < 1 or _has_shared_lines(document, path, first, last):
            return None
        comment = _extract_comment(text, document.spans[path], last)
        if comment is None:
            return None
        edits.append(_TextEdit(text.find_offset(first, 1), text.find_offset(last + 1, 1), comment))
    return _apply_edits(document.text, edits)


def split_blocks(document: Document, keys: Collection[str]) -> tuple[str, str]:
    """Return the lines of a document without some top-level keys, and the lines of these keys."""
    text = _LineIndex(document.text)
    rest, blocks, start = "", "", 1
    spans = [(document.spans[(key,)].key_line, key) for key in keys if (key,) in document.spans]
    for first, key in sorted(spans):
        after = _find_last_line(document, text, (key,)) + 1
        rest += document.text[text.find_offset(start, 1) : text.find_offset(first, 1)]
        blocks += document.text[text.find_offset(first, 1) : text.find_offset(after, 1)]
        start = after
    return rest + document.text[text.find_offset(start, 1) :], blocks


class _LineIndex:
    """A text with the offsets of its lines; lines and columns start at 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def find_offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1] if line <= len(self._starts) else len(self._text)
        return min(start + column - 1, len(self._text))

    def read_line(self, line: int) -> str:
        return self._text[self.find_offset(line, 1) : self.find_offset(line + 1, 1)].rstrip("\r\n")

    def read_line_end(self, line: int) -> str:
        for number in range(line, 0, -1):
            full = self._text[self.find_offset(number, 1) : self.find_offset(number + 1, 1)]
            if full.endswith("\n"):
                return "\r\n" if full.endswith("\r\n") else "\n"
        return "\n"

    def is_block(self, span: SourceSpan) -> bool:
        start = self.find_offset(span.line, span.column)
        return span.end_line > 0 and self._text[start : start + 1] in ("|", ">")

    def find_last_line(self, span: SourceSpan) -> int:
        if not span.end_line:
            return span.line
        last = span.end_line if span.end_column > 1 else span.end_line - 1
        while last > span.line and not self.read_line(last).strip():
            last -= 1
        return max(last, span.line)

    def read_rest(self, span: SourceSpan) -> str:
        if self.is_block(span):
            return _BLOCK_HEADER.sub("", self.read_line(span.line)[span.column - 1 :], count=1)
        line = self.find_last_line(span)
        end = span.end_column if span.end_line == line else span.column + span.length
        return self.read_line(line)[end - 1 :]

    def replace_value(self, span: SourceSpan, token: str) -> tuple[_TextEdit, ...]:
        start = self.find_offset(span.line, span.column)
        if not self.is_block(span):
            end = self.find_offset(span.end_line, span.end_column)
            return () if "\n" in token else (_TextEdit(start, end, token),)
        header = _BLOCK_HEADER.match(self._text, start)
        header_end = header.end() if header else start
        body = self.find_offset(span.line + 1, 1)
        body_end = self.find_offset(self.find_last_line(span) + 1, 1)
        if "\n" not in token:
            return (_TextEdit(start, header_end, token), _TextEdit(body, body_end, ""))
        return (
            _TextEdit(start, header_end, "|" if token.endswith("\n") else "|-"),
            _TextEdit(body, body_end, self._indent_block(span, token)),
        )

    def _indent_block(self, span: SourceSpan, content: str) -> str:
        first = next(
            (line for number in range(span.line + 1, span.end_line + 1) if (line := self.read_line(number))),
            "",
        )
        indent = first[: len(first) - len(first.lstrip(" "))]
        line_end = self.read_line_end(span.line)
        return "".join(f"{indent}{line}{line_end}" for line in content.removesuffix("\n").split("\n"))


def _apply_edits(text: str, edits: Collection[_TextEdit]) -> str | None:
    # Several new keys after one line keep their order.
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    if any(left.end > right.start for left, right in pairwise(ordered)):
        return None
    for edit in reversed(ordered):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _insert_key(document: Document, text: _LineIndex, path: FieldPath, token: str) -> tuple[_TextEdit, ...]:
    siblings: Any = document.tree
    for key in path[:-1]:
        siblings = siblings.get(key) if isinstance(siblings, dict) else None
    if not isinstance(siblings, dict) or not siblings or "\n" in token:
        return ()
    first = document.spans[(*path[:-1], next(iter(siblings)))]
    parent = document.spans[path[:-1]]
    if (parent.line, parent.column) != (first.key_line, first.key_column):
        return ()
    after = _find_last_line(document, text, (*path[:-1], next(reversed(siblings))))
    start, line_end = text.find_offset(after + 1, 1), text.read_line_end(after)
    line = f"{' ' * (first.key_column - 1)}{_emit_key(path[-1])}: {token}"
    is_open = start == len(document.text) and not document.text.endswith("\n")
    return (_TextEdit(start, start, line_end + line if is_open else line + line_end),)


def _replace_collection(text: _LineIndex, span: SourceSpan, last: int, token: str) -> tuple[_TextEdit, ...]:
    lines = map(text.read_line, range(span.line, last + 1))
    if span.line == span.key_line or not span.key_line or any("#" in line for line in lines):
        return ()
    first, after = text.find_offset(span.line, 1), text.find_offset(last + 1, 1)
    if token.endswith("\n"):
        line_end, indent = text.read_line_end(span.line), " " * (span.column - 1)
        items = "".join(f"{indent}{line}{line_end}" for line in token.splitlines())
        return (_TextEdit(first, after, items),)
    colon = text.find_offset(span.key_line, span.key_column + span.key_length)
    return (_TextEdit(colon + 1, colon + 1, f" {token}"), _TextEdit(first, after, ""))


def _has_shared_lines(document: Document, path: FieldPath, first: int, last: int) -> bool:
    return any(
        first <= span.line <= last and other[: len(path)] != path and path[: len(other)] != other
        for other, span in document.spans.items()
    ) or any(document.spans[path[:end]].key_line == first for end in range(1, len(path)))


def _extract_comment(text: _LineIndex, span: SourceSpan, last: int) -> str | None:
    if text.read_line(span.key_line)[: span.key_column - 1].strip():
        return None
    if not span.end_line:
        lines = map(text.read_line, range(span.key_line, last + 1))
        return None if any("#" in line for line in lines) else ""
    rest = text.read_rest(span).strip()
    if not rest:
        return ""
    indent = " " * (span.key_column - 1)
    return f"{indent}{rest}{text.read_line_end(span.key_line)}" if rest.startswith("#") else None


def _find_last_line(document: Document, text: _LineIndex, path: FieldPath) -> int:
    return max(map(text.find_last_line, _list_spans_below(document, path)))


def _list_spans_below(document: Document, path: FieldPath) -> Iterator[SourceSpan]:
    return (span for inner, span in document.spans.items() if inner[: len(path)] == path)


def _emit_key(key: str) -> str:
    is_word = key.isascii() and key.replace("_", "").replace("-", "").isalpha()
    return key if is_word and key.lower() not in _RESERVED_WORDS else quote_text(key)
