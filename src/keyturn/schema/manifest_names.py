"""Manifest names for live objects: a name that a manifest may have is kept, another one is converted."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, count
from typing import Final

from keyturn.model.address import Address
from keyturn.model.resource import LiveObject

MAX_NAME_LENGTH: Final = 100
"""The maximum length of a manifest name."""

_NAME_PATTERN: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?", re.ASCII)
_OTHER_CHARACTERS: Final = re.compile(r"[^a-z0-9._-]+", re.ASCII)
_OUTER_MARKS: Final = "._-"
_SUFFIX_LENGTH: Final = 5


def is_manifest_name(name: str) -> bool:
    """Tell whether a manifest and its file may have this name."""
    return _NAME_PATTERN.fullmatch(name) is not None


def convert_name(name: str, fallback: str) -> str:
    """Return the manifest name that is nearest to ``name``: ``Prod DB (old)`` becomes ``prod-db-old``.

    Letters lose their accents and their case; other characters become one dash. ``fallback`` is the
    result for a name without Latin letters and digits.
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    converted = _OTHER_CHARACTERS.sub("-", plain.casefold()).strip(_OUTER_MARKS)
    shortened = converted[:MAX_NAME_LENGTH].strip(_OUTER_MARKS)
    return shortened or convert_name(fallback, "object")


def choose_names(listed: Iterable[LiveObject], taken: Collection[Address]) -> Mapping[str, Address]:
    """Return the address of the manifest of each live object by ID.

    An object with a valid name keeps it. A converted name gets a number if another object or an
    address in ``taken`` has it. The result depends on the names and IDs, not on their order.
    """
    ordered = sorted(listed, key=lambda each: (each.address, each.id))
    chosen = {each.id: each.address for each in ordered if is_manifest_name(each.address.name)}
    used = {*taken, *chosen.values()}
    for live in ordered:
        if live.id not in chosen:
            address = _find_free_address(live, used)
            used.add(address)
            chosen[live.id] = address
    return chosen


def _find_free_address(live: LiveObject, used: Collection[Address]) -> Address:
    name = convert_name(live.address.name, live.type)
    names = chain((name,), (_append_number(name, number) for number in count(2)))
    candidates = (Address(live.address.kind, candidate) for candidate in names)
    return next(address for address in candidates if address not in used)


def _append_number(name: str, number: int) -> str:
    return f"{name[: MAX_NAME_LENGTH - _SUFFIX_LENGTH].rstrip(_OUTER_MARKS)}-{number}"
