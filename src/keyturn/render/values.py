"""How a plain value is shown: on one line, shortened aloud, and never where it looks like a secret."""

import json
import re
from functools import lru_cache
from typing import Final

from keyturn.core.address import Address
from keyturn.core.change import ABSENT
from keyturn.core.fields import Leaf, Path
from keyturn.core.looks import secret_key, suspicious

LONG: Final = 100
"""The most characters of a value that are shown; of two that differ, from shortly before they do."""

NOTHING: Final = "(not set)"
HIDDEN: Final = "(hidden: looks like a secret)"

_LEAD: Final = 20
_BARE: Final = re.compile(r"[^\s\"'()→·…]+")
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


def hidden(path: Path, leaf: object) -> bool:
    """Tell whether a plain field must not be shown, because its name or its content is a secret's."""
    if leaf in (ABSENT, None) or isinstance(leaf, bool | Address):
        return False
    return _secret_path(path) or suspicious("", bare(leaf))  # type: ignore[arg-type]


@lru_cache(maxsize=4096)  # ten thousand resources have the same few fields
def _secret_path(path: Path) -> bool:
    return any(map(secret_key, path))


def bare(leaf: Leaf) -> Leaf:
    """Return a leaf without the user and password of an address: ``https://▒▒▒@host``."""
    return _USERINFO.sub("▒▒▒", leaf) if isinstance(leaf, str) else leaf


def shown(path: Path, leaf: Leaf) -> str:
    """Return a leaf as a reader sees it, at most about ``LONG`` characters; not yet sanitised."""
    return _shorten(_text(path, leaf), 0)


def pair(path: Path, before: Leaf, after: Leaf) -> tuple[str, str]:
    """Return two leaves as a reader sees them, so that where they differ is in sight."""
    if isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        first, second = shown(path, before), shown(path, after)
        if hidden(path, before) or hidden(path, after):
            return first, second
        return first, f"{second}, differs from line {_alike(before.split(chr(10)), after.split(chr(10))) + 1}"
    first, second = _text(path, before), _text(path, after)
    if first == second and before != after:
        return first, f"{second}, another value"
    if max(len(first), len(second)) <= LONG:
        return first, second
    alike = _alike(first, second)
    return _shorten(first, alike), _shorten(second, alike)


def _text(path: Path, leaf: Leaf) -> str:
    if leaf == ABSENT:
        return NOTHING
    if hidden(path, leaf):
        return HIDDEN
    match bare(leaf):
        case Address() as address:
            return str(address)
        case str() as text if "\n" in text:
            return f"({text.rstrip(chr(10)).count(chr(10)) + 1} lines, {len(text):,} characters)"
        case str() as text:
            return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
        case other:
            return json.dumps(other, ensure_ascii=False, default=str, sort_keys=True)


def _shorten(text: str, alike: int) -> str:
    skipped = alike - _LEAD if len(text) > LONG and alike > LONG - _LEAD else 0
    start = f"{text[:_LEAD]}… ({skipped - _LEAD:,} more characters) …" if skipped else ""
    rest = text[skipped:]
    if len(rest) <= LONG:
        return start + rest
    return f"{start}{rest[:LONG]}… ({len(rest) - LONG:,} more characters)"


def _alike(one: str | list[str], other: str | list[str]) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
