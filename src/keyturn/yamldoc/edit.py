"""Changing and taking out single values in the text of a file: every other character stays as it was."""

from collections.abc import Collection, Mapping
from typing import Any

from keyturn.model.fields import FieldPath
from keyturn.yamldoc.reader import Document, SourceSpan
from keyturn.yamldoc.scalars import quote_text


def set_values(document: Document, tokens: Mapping[FieldPath, str]) -> str | None:
    """Return the text of a document with new YAML tokens at the given paths, or None.

    A path that is there has its one-line token replaced; a path that is not becomes the last key
    of a mapping in block style. None where a change has no such place: read the result again and
    compare, before it is used.
    """
    lines = document.text.split("\n")
    ending = "\r" if lines[0].endswith("\r") else ""
    replaced = [(document.spans[path], token) for path, token in tokens.items() if path in document.spans]
    for place, token in sorted(replaced, key=lambda pair: (pair[0].line, pair[0].column), reverse=True):
        line = lines[place.line - 1]
        start = place.column - 1
        lines[place.line - 1] = line[:start] + token + line[start + place.length :]
    inserted: dict[int, list[str]] = {}
    for path, token in tokens.items():
        if path not in document.spans:
            found = _find_insertion(document, path)
            if found is None:
                return None
            after, indent = found
            inserted.setdefault(after, []).append(f"{' ' * indent}{_emit_key(path[-1])}: {token}{ending}")
    for after in sorted(inserted, reverse=True):
        lines[after:after] = inserted[after]
    return "\n".join(lines)


def remove_keys(document: Document, paths: Collection[FieldPath]) -> str | None:
    """Return the text of a document without the lines of the keys at the given paths, or None.

    A comment behind a value stays, on a line of its own. None where a key shares its lines with
    another, or where it cannot be told which comments are its own: read the result again and
    compare, before it is used.
    """
    lines = document.text.split("\n")
    for path in sorted(paths, key=lambda path: document.spans[path].key_line, reverse=True):
        first, last = document.spans[path].key_line, _find_last_line(document, path)
        if first < 1 or _has_shared_lines(document, path, (first, last)):
            return None
        kept = _kept_comment(lines, document.spans[path], last)
        if kept is None:
            return None
        lines[first - 1 : last] = kept
    return "\n".join(lines)


def _has_shared_lines(document: Document, path: FieldPath, span: tuple[int, int]) -> bool:
    return any(
        span[0] <= place.line <= span[1] and inner[: len(path)] != path and path[: len(inner)] != inner
        for inner, place in document.spans.items()
    ) or any(document.spans[path[:end]].key_line == span[0] for end in range(1, len(path)))


def _kept_comment(lines: list[str], place: SourceSpan, last: int) -> list[str] | None:
    if last > place.key_line:
        return None if any("#" in line for line in lines[place.key_line - 1 : last]) else []
    line = lines[place.key_line - 1]
    if line[: place.key_column - 1].strip():
        return None
    rest = line[place.column - 1 + place.length :].strip()
    if not rest:
        return []
    ending = "\r" if line.endswith("\r") else ""
    return [f"{' ' * (place.key_column - 1)}{rest}{ending}"] if rest.startswith("#") else None


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
    below: list[SourceSpan] = [place for inner, place in document.spans.items() if inner[: len(path)] == path]
    return max(place.line for place in below)


def _emit_key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalpha()
    return (
        key
        if plain and key.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
        else quote_text(key)
    )
