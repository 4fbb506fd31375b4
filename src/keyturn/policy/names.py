"""Comparison of names regardless of case and separators."""

from functools import lru_cache

from keyturn.model.fields import FieldPath

_SEPARATORS = {ord(mark): None for mark in "-_. "}


@lru_cache(maxsize=4096)
def normalize_name(name: str) -> str:
    """Return ``name`` in lower case without separators: ``sslMode`` and ``ssl_mode`` are equal."""
    return name.translate(_SEPARATORS).lower()


@lru_cache(maxsize=4096)
def normalize_field_names(path: FieldPath) -> tuple[str, ...]:
    """Return the normalized names of a field: its last key, and its last two keys (``tls: {mode: …}``)."""
    last = normalize_name(path[-1])
    return (last, normalize_name(path[-2]) + last) if len(path) > 1 else (last,)


def compute_edit_distance(word: str, other: str) -> int:
    """Return the optimal string alignment distance: insertions, deletions, substitutions and swaps."""
    previous: list[int] = []
    row = list(range(len(other) + 1))
    for row_number, letter in enumerate(word, 1):
        previous, before_previous, row = row, previous, [row_number]
        for column, other_letter in enumerate(other, 1):
            costs = [previous[column] + 1, row[-1] + 1, previous[column - 1] + (letter != other_letter)]
            is_swap = word[row_number - 2 : row_number] == other[column - 2 : column][::-1]
            if before_previous and column > 1 and is_swap:
                costs.append(before_previous[column - 2] + 1)
            row.append(min(costs))
    return row[-1]
