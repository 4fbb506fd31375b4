"""Places: where each key and value of a file stands, worked out when somebody asks."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from keyturn.core.address import Origin
from keyturn.core.fields import Path


class Place(Struct, frozen=True):
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


class Places(Mapping[Path, Place]):
    """The places of a file by path; an item of a list is named by its number, as text.

    The file is measured when the first place is asked for: most files never are.
    """

    def __init__(self, measure: Callable[[], dict[Path, Place]]) -> None:
        self._measure = measure

    @cached_property
    def _all(self) -> dict[Path, Place]:
        return self._measure()

    def __getitem__(self, path: Path) -> Place:
        return self._all[path]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def origin_of(places: Mapping[Path, Place], file: str, path: Path, *, key: bool = False) -> Origin:
    """Return where ``path`` stands in ``file``, or the nearest thing around it that is there.

    ``key`` asks for the place of the key instead of that of the value.
    """
    while path and path not in places:
        path = path[:-1]
    place = places.get(path)
    if place is None:
        return Origin(file)
    if key and place.key_line:
        return Origin(file, place.key_line, place.key_column)
    return Origin(file, place.line, place.column)
