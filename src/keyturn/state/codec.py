"""Stored form of state entries and their fields.

A field path is stored as a JSON pointer, an address as ``kind/name``, and a reference as
``{"ref": "credential/x"}``. A mapping of the user that looks like a reference is stored under ``literal``.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct, convert

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, from_json_pointer, to_json_pointer, values_identical
from keyturn.model.resource import EMPTY, Generation, StateEntry
from keyturn.model.service_url import is_path_segment

RESOURCE_KINDS: Final = frozenset({"connection", "credential"})
"""The kinds of resources that a state may contain."""

_MAX_SHOWN: Final = 80
_REFERENCE_KEY = "ref"
_LITERAL_KEY = "literal"
_SCALAR_TYPES = frozenset({str, int, float, bool, type(None)})
# A workspace has few distinct paths; each would otherwise be converted once per entry.
_cached_pointer = lru_cache(maxsize=4096)(to_json_pointer)
_cached_path = lru_cache(maxsize=4096)(from_json_pointer)


class StoredEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The JSON object of a StateEntry; ``observed`` is absent if it is identical to ``applied``."""

    address: str
    applied: dict[str, Any]
    id: str = ""
    type: str = ""
    digest: str = ""
    updated_at: str = ""
    rotated_at: str = ""
    retired_at: str = ""
    commit: str = ""
    observed: dict[str, Any] | None = None
    fingerprints: dict[str, str] = {}
    earlier: tuple[str, ...] = ()
    protect: bool = False
    destinations: tuple[str, ...] = ()
    untested: bool = False
    generation: Generation | None = None


_CONVERTED_FIELDS = {"address", "applied", "observed", "fingerprints"}
_UNCHANGED_FIELDS = tuple(name for name in StoredEntry.__struct_fields__ if name not in _CONVERTED_FIELDS)


def to_stored_entry(entry: StateEntry) -> StoredEntry:
    """Return the stored form of ``entry``."""
    identical = values_identical(entry.observed, entry.applied)
    return StoredEntry(
        address=str(entry.address),
        applied=to_stored_fields(entry.applied),
        observed=None if identical else to_stored_fields(entry.observed),
        fingerprints=to_stored_fields(entry.fingerprints),
        **{name: getattr(entry, name) for name in _UNCHANGED_FIELDS},
    )


def from_stored_entry(stored: StoredEntry) -> StateEntry:
    """Return the entry of its stored form.

    Raises ValueError, which names the entry, for an invalid address, ID, pointer or date.
    """
    try:
        address = parse_stored_address(stored.address)
        _reject_invalid_entry(stored, address.name)
        return _from_valid_entry(stored, address)
    except ValueError as error:
        message = f"entry {stored.address[:_MAX_SHOWN]!r}: {error}"
        raise ValueError(message) from None


def parse_stored_address(text: str) -> Address:
    """Return the address of a stored text; raises ValueError for another form or an unknown kind."""
    address = Address.parse(text)
    if address.kind not in RESOURCE_KINDS:
        message = f"{address.kind[:_MAX_SHOWN]!r} is not a kind of resource"
        raise ValueError(message)
    return address


def _reject_invalid_entry(stored: StoredEntry, name: str) -> None:
    if not _is_resource_name(name):
        message = "its address cannot be the name of a resource"
        raise ValueError(message)
    if not stored.id:
        message = "it has no ID"
        raise ValueError(message)
    check_stored_id(stored.address, stored.id)
    generation = stored.generation
    if generation and generation.retires_on:
        date.fromisoformat(generation.retires_on)
    if generation:
        check_stored_id(generation.resource, generation.replaces)


def _is_resource_name(name: str) -> bool:
    # Early versions accepted more names than a manifest can have now.
    return (
        name.isprintable()
        and "\\" not in name
        and not any(segment in {"", ".", ".."} for segment in name.split("/"))
    )


def _from_valid_entry(stored: StoredEntry, address: Address) -> StateEntry:
    applied = from_stored_fields(stored.applied)
    return StateEntry(
        address=address,
        applied=applied,
        observed=applied if stored.observed is None else from_stored_fields(stored.observed),
        fingerprints=from_stored_fields(stored.fingerprints),
        **{name: getattr(stored, name) for name in _UNCHANGED_FIELDS},
    )


def check_stored_id(address: str, object_id: str) -> None:
    """Raise ValueError for an ID that is not one segment of a path."""
    if object_id and not is_path_segment(object_id):
        message = f"the ID of {address} has other characters than letters, digits, - and _"
        raise ValueError(message)


def to_stored_fields(fields: Mapping[FieldPath, Any]) -> dict[str, Any]:
    """Return ``fields`` by JSON pointer."""
    return {
        _cached_pointer(path): leaf if type(leaf) in _SCALAR_TYPES else _to_stored_leaf(leaf)
        for path, leaf in fields.items()
    }


def from_stored_fields(stored: Mapping[str, Any]) -> Mapping[FieldPath, Any]:
    """Return read-only fields by path; raises ValueError for an invalid pointer or reference."""
    if not stored:
        return EMPTY
    return MappingProxyType(
        {
            _cached_path(pointer): leaf if type(leaf) in _SCALAR_TYPES else _from_stored_leaf(leaf)
            for pointer, leaf in stored.items()
        }
    )


def _to_stored_leaf(leaf: Any) -> Any:
    if isinstance(leaf, Address):
        return {_REFERENCE_KEY: str(leaf)}
    if isinstance(leaf, list | tuple):
        return [_to_stored_leaf(item) for item in leaf]
    if isinstance(leaf, Mapping):
        stored = {key: _to_stored_leaf(item) for key, item in leaf.items()}
        looks_reserved = len(stored) == 1 and stored.keys() & {_REFERENCE_KEY, _LITERAL_KEY}
        return {_LITERAL_KEY: stored} if looks_reserved else stored
    return leaf


def _from_stored_leaf(leaf: Any) -> Any:
    if isinstance(leaf, list):
        return [_from_stored_leaf(item) for item in leaf]
    if not isinstance(leaf, dict):
        return leaf
    if leaf.keys() == {_REFERENCE_KEY}:
        return Address.parse(convert(leaf[_REFERENCE_KEY], str))
    if leaf.keys() == {_LITERAL_KEY}:
        leaf = convert(leaf[_LITERAL_KEY], dict[str, Any])
    return {key: _from_stored_leaf(item) for key, item in leaf.items()}
