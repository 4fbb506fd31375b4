"""Edits of single values in the text of a YAML file; all other characters stay unchanged."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from keyturn.model.fields import FieldPath
from keyturn.yamldoc.reader import Document, SourceSpan
from keyturn.yamldoc.scalars import quote_text

_RESERVED_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def set_values(document: Document, tokens: Mapping[FieldPath, str]) -> str | None:
    """Return the text of a document with new YAML tokens at the given paths, None where that is impossible.

    The one-line token of an existing path is replaced. A new path becomes the last key of an
    existing mapping in block style. Callers parse the result and compare it before they use it.
    """
    lines = document.text.split("\n")
    ending = "\r" if lines[0].endswith("\r") else ""
    replaced = [(document.spans[path], token) for path, token in tokens.items() if path in document.spans]
    for span, token in sorted(replaced, key=lambda pair: (pair[0].line, pair[0].column), reverse=True):
        line = lines[span.line - 1]
        start = span.column - 1
        lines[span.line - 1] = line[:start] + token + line[start + span.length :]
    inserted: dict[int, list[str]] = {}
    for path, token in tokens.items():
        if path not in document.spans:
            insertion = _find_insertion(document, path)
            if insertion is None:
                return None
            after, indent = insertion
            inserted.setdefault(after, []).append(f"{' ' * indent}{_emit_key(path[-1])}: {token}{ending}")
    for after in sorted(inserted, reverse=True):
        lines[after:after] = inserted[after]
    return "\n".join(lines)


def remove_keys(document: Document, paths: Collection[FieldPath]) -> str | None:
    """Return the text of a document without the keys at the given paths, None where that is impossible.

    A comment after a value is kept on its own line. A key cannot be removed if it shares a line
    with another key, or if a value of several lines contains ``#``. Callers parse the result and
    compare it before they use it.
    """
    lines = document.text.split("\n")
    for path in sorted(paths, key=lambda path: document.spans[path].key_line, reverse=True):
        first, last = document.spans[path].key_line, _find_last_line(document, path)
        if first < 1 or _has_shared_lines(document, path, first, last):
            return None
        comment = _extract_comment(lines, document.spans[path], last)
        if comment is None:
            return None
        lines[first - 1 : last] = comment
    return "\n".join(lines)


def _has_shared_lines(document: Document, path: FieldPath, first: int, last: int) -> bool:
    return any(
        first <= span.line <= last and other[: len(path)] != path and path[: len(other)] != other
        for other, span in document.spans.items()
    ) or any(document.spans[path[:end]].key_line == first for end in range(1, len(path)))


def _extract_comment(lines: list[str], span: SourceSpan, last: int) -> list[str] | None:
    if last > span.key_line:
        return None if any("#" in line for line in lines[span.key_line - 1 : last]) else []
    line = lines[span.key_line - 1]
    if line[: span.key_column - 1].strip():
        return None
    rest = line[span.column - 1 + span.length :].strip()
    if not rest:
        return []
    ending = "\r" if line.endswith("\r") else ""
    return [f"{' ' * (span.key_column - 1)}{rest}{ending}"] if rest.startswith("#") else None


def _find_insertion(document: Document, path: FieldPath) -> tuple[int, int] | None:
    siblings: Any = document.tree
    for key in path[:-1]:
        siblings = siblings.get(key) if isinstance(siblings, dict) else None
    if not isinstance(siblings, dict) or not siblings:
        return None
    first = document.spans[(*path[:-1], next(iter(siblings)))]
    parent = document.spans[path[:-1]]
    if (parent.line, parent.column) != (first.key_line, first.key_column):
        return None
    return _find_last_line(document, (*path[:-1], next(reversed(siblings)))), first.key_column - 1


def _find_last_line(document: Document, path: FieldPath) -> int:
    return max(span.line for inner, span in document.spans.items() if inner[: len(path)] == path)


def _emit_key(key: str) -> str:
    is_word = key.isascii() and key.replace("_", "").replace("-", "").isalpha()
    return key if is_word and key.lower() not in _RESERVED_WORDS else quote_text(key)
