"""Changing single values in the text of a file: every other character stays as it was."""

from collections.abc import Mapping
from typing import Any

from keyturn.core.fields import Path
from keyturn.load.nodes import Document
from keyturn.load.places import Place
from keyturn.load.quoting import quoted


def spliced(document: Document, tokens: Mapping[Path, str]) -> str | None:
    """Return the text of a document with new YAML tokens at the given paths, or None.

    A path that is there has its one-line token replaced; a path that is not becomes the last key
    of a mapping in block style. None where a change has no such place: read the result again and
    compare, before it is used.
    """
    lines = document.text.split("\n")
    ending = "\r" if lines[0].endswith("\r") else ""
    replaced = [(document.places[path], token) for path, token in tokens.items() if path in document.places]
    for place, token in sorted(replaced, key=lambda pair: (pair[0].line, pair[0].column), reverse=True):
        line = lines[place.line - 1]
        start = place.column - 1
        lines[place.line - 1] = line[:start] + token + line[start + place.length :]
    inserted: dict[int, list[str]] = {}
    for path, token in tokens.items():
        if path not in document.places:
            found = _insertion(document, path)
            if found is None:
                return None
            after, indent = found
            inserted.setdefault(after, []).append(f"{' ' * indent}{_key(path[-1])}: {token}{ending}")
    for after in sorted(inserted, reverse=True):
        lines[after:after] = inserted[after]
    return "\n".join(lines)


def _insertion(document: Document, path: Path) -> tuple[int, int] | None:
    siblings: Any = document.tree
    for key in path[:-1]:
        siblings = siblings.get(key) if isinstance(siblings, dict) else None
    if not isinstance(siblings, dict) or not siblings:
        return None
    first = document.places[(*path[:-1], next(iter(siblings)))]
    parent = document.places[path[:-1]]
    if (parent.line, parent.column) != (first.key_line, first.key_column):
        return None
    return _last_line(document, (*path[:-1], next(reversed(siblings)))), first.key_column - 1


def _last_line(document: Document, path: Path) -> int:
    below: list[Place] = [place for inner, place in document.places.items() if inner[: len(path)] == path]
    return max(place.line for place in below)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalpha()
    return (
        key
        if plain and key.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
        else quoted(key)
    )
