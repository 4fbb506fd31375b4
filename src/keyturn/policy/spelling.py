"""Spelling: names compared as a reader would, whatever their case and separators."""

from functools import lru_cache

from keyturn.core.fields import Path

_SEPARATORS = {ord(mark): None for mark in "-_. "}


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Return ``name`` without case, dashes, dots, blanks and underscores: ``sslMode`` is ``ssl_mode``."""
    return name.translate(_SEPARATORS).lower()


@lru_cache(maxsize=4096)
def names_of(path: Path) -> tuple[str, ...]:
    """Return the names that a field goes by: its last key, and its last two (``tls: {mode: …}``)."""
    last = fold(path[-1])
    return (last, fold(path[-2]) + last) if len(path) > 1 else (last,)
