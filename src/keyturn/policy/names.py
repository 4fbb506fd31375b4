"""Spelling: names compared as a reader would, whatever their case and separators."""

from functools import lru_cache

from keyturn.model.fields import FieldPath

_SEPARATORS = {ord(mark): None for mark in "-_. "}


@lru_cache(maxsize=4096)
def normalize_name(name: str) -> str:
    """Return ``name`` without case, dashes, dots, blanks and underscores: ``sslMode`` is ``ssl_mode``."""
    return name.translate(_SEPARATORS).lower()


@lru_cache(maxsize=4096)
def names_of(path: FieldPath) -> tuple[str, ...]:
    """Return the names that a field goes by: its last key, and its last two (``tls: {mode: …}``)."""
    last = normalize_name(path[-1])
    return (last, normalize_name(path[-2]) + last) if len(path) > 1 else (last,)


def edit_distance(word: str, other: str) -> int:
    """Return how many slips lie between two words: a letter more, one less, another one, or two swapped."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for down, letter in enumerate(word, 1):
        before, above, row = row, before, [down]
        for across, there in enumerate(other, 1):
            steps = [before[across] + 1, row[-1] + 1, before[across - 1] + (letter != there)]
            if above and across > 1 and word[down - 2 : down] == other[across - 2 : across][::-1]:
                steps.append(above[across - 2] + 1)
            row.append(min(steps))
    return row[-1]
