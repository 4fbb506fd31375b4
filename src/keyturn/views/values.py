"""How a plain value is shown: on one line, shortened aloud, and never where it looks like a secret."""

import json
import re
from functools import lru_cache
from typing import Final

from keyturn.model.address import Address
from keyturn.model.change import MISSING
from keyturn.model.fields import FieldPath, Leaf
from keyturn.model.secret_detection import is_secret_name, may_be_secret

MAX_VALUE_LENGTH: Final = 100
"""The most characters of a value that are shown; of two that differ, from shortly before they do."""

NOT_SET: Final = "(not set)"
HIDDEN_VALUE: Final = "(hidden: looks like a secret)"

_CONTEXT_LENGTH: Final = 20
_UNQUOTED: Final = re.compile(r"[^\s\"'()→·…]+")
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


def is_hidden(path: FieldPath, leaf: object) -> bool:
    """Tell whether a plain field must not be shown, because its name or its content is a secret's."""
    if leaf in (MISSING, None) or isinstance(leaf, bool | Address):
        return False
    return _is_secret_path(path) or may_be_secret("", strip_userinfo(leaf))  # type: ignore[arg-type]


@lru_cache(maxsize=4096)  # ten thousand resources have the same few fields
def _is_secret_path(path: FieldPath) -> bool:
    return any(map(is_secret_name, path))


def strip_userinfo(leaf: Leaf) -> Leaf:
    """Return a leaf without the user and password of an address: ``https://▒▒▒@host``."""
    return _USERINFO.sub("▒▒▒", leaf) if isinstance(leaf, str) else leaf


def format_value(path: FieldPath, leaf: Leaf) -> str:
    """Return a leaf as a reader sees it, at most about ``LONG`` characters; not yet sanitised."""
    return _shorten_text(_format_leaf(path, leaf), 0)


def format_pair(path: FieldPath, before: Leaf, after: Leaf) -> tuple[str, str]:
    """Return two leaves as a reader sees them, so that where they differ is in sight."""
    if isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        first, second = format_value(path, before), format_value(path, after)
        if is_hidden(path, before) or is_hidden(path, after):
            return first, second
        return (
            first,
            f"{second}, differs from line {_count_common_prefix(before.split(chr(10)), after.split(chr(10))) + 1}",
        )
    first, second = _format_leaf(path, before), _format_leaf(path, after)
    if first == second and before != after:
        return first, f"{second}, another value"
    if max(len(first), len(second)) <= MAX_VALUE_LENGTH:
        return first, second
    alike = _count_common_prefix(first, second)
    return _shorten_text(first, alike), _shorten_text(second, alike)


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


def _shorten_text(text: str, alike: int) -> str:
    skipped = (
        alike - _CONTEXT_LENGTH
        if len(text) > MAX_VALUE_LENGTH and alike > MAX_VALUE_LENGTH - _CONTEXT_LENGTH
        else 0
    )
    start = f"{text[:_CONTEXT_LENGTH]}… ({skipped - _CONTEXT_LENGTH:,} more characters) …" if skipped else ""
    rest = text[skipped:]
    if len(rest) <= MAX_VALUE_LENGTH:
        return start + rest
    return f"{start}{rest[:MAX_VALUE_LENGTH]}… ({len(rest) - MAX_VALUE_LENGTH:,} more characters)"


def _count_common_prefix(one: str | list[str], other: str | list[str]) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
