"""Places: where each key and value of a file stands, worked out when somebody asks."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from keyturn.core.address import SourceLocation
from keyturn.core.fields import FieldPath


class SourceSpan(Struct, frozen=True):
    """Where a value and its key stand: lines and columns from 1, columns and lengths in characters.

    A length ends with the token or with its first line; it is at least 1. ``key_line`` is 0 for
    an item of a list and for the whole file.
    """

    line: int
    column: int
    length: int = 1
    key_line: int = 0
    key_column: int = 0
    key_length: int = 0


class SpanIndex(Mapping[FieldPath, SourceSpan]):
    """The places of a file by path; an item of a list is named by its number, as text.

    The file is measured when the first place is asked for: most files never are.
    """

    def __init__(self, measure: Callable[[], dict[FieldPath, SourceSpan]]) -> None:
        self._measure_spans = measure

    @cached_property
    def _spans(self) -> dict[FieldPath, SourceSpan]:
        return self._measure_spans()

    def __getitem__(self, path: FieldPath) -> SourceSpan:
        return self._spans[path]

    def __iter__(self) -> Iterator[FieldPath]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)


def find_source_location(places: Mapping[FieldPath, SourceSpan], file: str, path: FieldPath, *, key: bool = False) -> SourceLocation:
    """Return where ``path`` stands in ``file``, or the nearest thing around it that is there.

    ``key`` asks for the place of the key instead of that of the value.
    """
    while path and path not in places:
        path = path[:-1]
    place = places.get(path)
    if place is None:
        return SourceLocation(file)
    if key and place.key_line:
        return SourceLocation(file, place.key_line, place.key_column)
    return SourceLocation(file, place.line, place.column)
