"""Formatting of plain field values: one line, truncated with a marker, hidden if they look like a secret."""

import json
import re
from functools import lru_cache
from typing import Final

from keyturn.model.address import Address
from keyturn.model.change import MISSING
from keyturn.model.fields import MASK_TEXT, FieldPath, Leaf
from keyturn.model.secret_detection import is_secret_name, may_be_secret

MAX_VALUE_LENGTH: Final = 100
"""The maximum number of characters shown; of two values that differ, from shortly before the difference."""

NOT_SET: Final = "(not set)"
HIDDEN_VALUE: Final = "(hidden: looks like a secret)"

_CONTEXT_LENGTH: Final = 20
_UNQUOTED: Final = re.compile(r"[^\s\"'()→·…]+")
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


def is_hidden(path: FieldPath, leaf: object) -> bool:
    """Return whether a plain field must be hidden, because its name or value looks like a secret."""
    if leaf in (MISSING, None) or isinstance(leaf, bool | Address):
        return False
    return _is_secret_path(path) or may_be_secret("", strip_userinfo(leaf))  # type: ignore[arg-type]


@lru_cache(maxsize=4096)  # all resources share a few field paths
def _is_secret_path(path: FieldPath) -> bool:
    return any(map(is_secret_name, path))


def strip_userinfo(leaf: Leaf) -> Leaf:
    """Return a leaf without the user and password of a URL: ``https://▒▒▒@host``."""
    return _USERINFO.sub(MASK_TEXT, leaf) if isinstance(leaf, str) else leaf


def leaf_to_display_json(path: FieldPath, leaf: Leaf) -> object:
    """Return a leaf as a JSON value for a report; null if absent, a marker if it looks like a secret."""
    if leaf == MISSING:
        return None
    if is_hidden(path, leaf):
        return HIDDEN_VALUE
    return str(leaf) if isinstance(leaf, Address) else leaf


def format_value(path: FieldPath, leaf: Leaf) -> str:
    """Return a leaf as text of about ``MAX_VALUE_LENGTH`` characters at most; not yet escaped."""
    return _shorten_text(_format_leaf(path, leaf), 0)


def format_pair(path: FieldPath, before: Leaf, after: Leaf) -> tuple[str, str]:
    """Return two leaves as text that shows where they differ; not yet escaped."""
    if isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        first, second = format_value(path, before), format_value(path, after)
        if is_hidden(path, before) or is_hidden(path, after):
            return first, second
        line = _count_common_prefix(before.split("\n"), after.split("\n")) + 1
        return first, f"{second}, differs from line {line}"
    first, second = _format_leaf(path, before), _format_leaf(path, after)
    if first == second and before != after:
        return first, f"{second}, a different value"
    if max(len(first), len(second)) <= MAX_VALUE_LENGTH:
        return first, second
    common = _count_common_prefix(first, second)
    return _shorten_text(first, common), _shorten_text(second, common)


def _format_leaf(path: FieldPath, leaf: Leaf) -> str:
    if leaf == MISSING:
        return NOT_SET
    if is_hidden(path, leaf):
        return HIDDEN_VALUE
    match strip_userinfo(leaf):
        case Address() as address:
            return str(address)
        case str() as text if "\n" in text:
            return f"({text.rstrip(chr(10)).count(chr(10)) + 1} lines, {len(text):,} characters)"
        case str() as text:
            return text if _UNQUOTED.fullmatch(text) else json.dumps(text, ensure_ascii=False)
        case other:
            return json.dumps(other, ensure_ascii=False, default=str, sort_keys=True)


def _shorten_text(text: str, common: int) -> str:
    skipped = (
        common - _CONTEXT_LENGTH
        if len(text) > MAX_VALUE_LENGTH and common > MAX_VALUE_LENGTH - _CONTEXT_LENGTH
        else 0
    )
    start = f"{text[:_CONTEXT_LENGTH]}… ({skipped - _CONTEXT_LENGTH:,} more characters) …" if skipped else ""
    rest = text[skipped:]
    if len(rest) <= MAX_VALUE_LENGTH:
        return start + rest
    return f"{start}{rest[:MAX_VALUE_LENGTH]}… ({len(rest) - MAX_VALUE_LENGTH:,} more characters)"


def _count_common_prefix(first: str | list[str], second: str | list[str]) -> int:
    for index, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return index
    return min(len(first), len(second))
