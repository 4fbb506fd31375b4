"""Selectors: which values SOPS encrypts, decided as SOPS decides it, where the pattern is simple enough."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from keyturn.core.fields import FieldPath

PathSelector: TypeAlias = Callable[[FieldPath], bool]
"""From the keys above a value, its own included, to whether SOPS encrypts it."""

UNENCRYPTED_SUFFIX: Final = "_unencrypted"
"""The suffix that SOPS leaves in clear where a file has no selector (getsops/sops ``sops.go``)."""

_WORDS_PATTERN: Final = re.compile(r"\^(?:\(([A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*)\)|([A-Za-z0-9_-]+))\$")
_SUFFIX_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]+")


def compile_selector(selector: str, pattern: str) -> PathSelector | None:
    """Return what a selector encrypts, None where that is not certain.

    Go's regular expressions and Python's differ, so a pattern is ``^word$`` or ``^(word|word)$``.
    A match on any key of a path decides; the items of a list count as their list.
    """
    if not selector:
        return lambda path: not any(key.endswith(UNENCRYPTED_SUFFIX) for key in path)
    if selector in ("encrypted_suffix", "unencrypted_suffix"):
        if not _SUFFIX_PATTERN.fullmatch(pattern):
            return None
        return _select_by_key(selector, lambda key: key.endswith(pattern))
    if selector in ("encrypted_regex", "unencrypted_regex"):
        found = _WORDS_PATTERN.fullmatch(pattern)
        if found is None:
            return None
        words = frozenset((found[1] or found[2]).split("|"))
        return _select_by_key(selector, words.__contains__)
    return None


def _select_by_key(selector: str, matches: Callable[[str], bool]) -> PathSelector:
    if selector.startswith("un"):
        return lambda path: not any(map(matches, path))
    return lambda path: any(map(matches, path))
