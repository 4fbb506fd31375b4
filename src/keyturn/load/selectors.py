"""Selectors: which values SOPS encrypts, decided as SOPS decides it, where the pattern is simple enough."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from keyturn.core.fields import Path

Chosen: TypeAlias = Callable[[Path], bool]
"""From the keys above a value, its own included, to whether SOPS encrypts it."""

UNENCRYPTED: Final = "_unencrypted"
"""The suffix that SOPS leaves in clear where a file has no selector (getsops/sops ``sops.go``)."""

_WORDS: Final = re.compile(r"\^(?:\(([A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*)\)|([A-Za-z0-9_-]+))\$")
_SUFFIX: Final = re.compile(r"[A-Za-z0-9_-]+")


def chooser(selector: str, pattern: str) -> Chosen | None:
    """Return what a selector encrypts, None where that is not certain.

    Go's regular expressions and Python's differ, so a pattern is ``^word$`` or ``^(word|word)$``.
    A match on any key of a path decides; the items of a list count as their list.
    """
    if not selector:
        return lambda path: not any(key.endswith(UNENCRYPTED) for key in path)
    if selector in ("encrypted_suffix", "unencrypted_suffix"):
        if not _SUFFIX.fullmatch(pattern):
            return None
        return _decided(selector, lambda key: key.endswith(pattern))
    if selector in ("encrypted_regex", "unencrypted_regex"):
        found = _WORDS.fullmatch(pattern)
        if found is None:
            return None
        words = frozenset((found[1] or found[2]).split("|"))
        return _decided(selector, words.__contains__)
    return None


def _decided(selector: str, matches: Callable[[str], bool]) -> Chosen:
    if selector.startswith("un"):
        return lambda path: not any(map(matches, path))
    return lambda path: any(map(matches, path))
