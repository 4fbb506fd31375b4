"""An entry of the state as JSON: paths are pointers, a reference is ``{"ref": "credential/x"}``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Fields, from_json_pointer, to_json_pointer, values_identical
from keyturn.model.resource import EMPTY, StateEntry


def require_text(value: object) -> str:
    """Return ``value``, which must be text; raises TypeError."""
    if not isinstance(value, str):
        message = "text was expected"
        raise TypeError(message)
    return value


def require_texts(values: object) -> tuple[str, ...]:
    """Return ``values``, which must be a list of text; raises TypeError."""
    if not isinstance(values, list | tuple):
        message = "a list was expected"
        raise TypeError(message)
    "".join(values)
    return tuple(values)


JsonTree: TypeAlias = dict[str, Any]

_REFERENCE_KEY = "ref"
_LITERAL_KEY = "literal"
_SCALAR_TYPES = frozenset({str, int, float, bool, type(None)})
_TEXT_FIELDS = ("id", "type", "digest", "updated_at", "rotated_at", "retired_at", "commit")


class _PointerCache(dict[FieldPath, str]):
    def __missing__(self, path: FieldPath) -> str:
        self[path] = made = to_json_pointer(path)
        return made


class _PathCache(dict[str, FieldPath]):
    def __missing__(self, name: str) -> FieldPath:
        self[name] = made = from_json_pointer(name)
        return made


class Codec:
    """Turns entries into trees and back; paths, met again and again, are converted once.

    One codec serves one document, so that what it remembers ends with it. ``decode`` raises
    ValueError, KeyError or TypeError for a tree that is no entry.
    """

    __slots__ = ("_paths", "_pointers")

    def __init__(self) -> None:
        self._pointers = _PointerCache()
        self._paths = _PathCache()

    def encode_entry(self, known: StateEntry) -> JsonTree:
        """Return ``known`` as a tree; what is empty, or observed just as applied, is left out."""
        tree: JsonTree = {"address": str(known.address), "applied": self.encode_fields(known.applied)}
        for name in _TEXT_FIELDS:
            if value := getattr(known, name):
                tree[name] = value
        if not values_identical(known.observed, known.applied):
            tree["observed"] = self.encode_fields(known.observed)
        if known.fingerprints:
            tree["fingerprints"] = self.encode_fields(known.fingerprints)
        if known.earlier:
            tree["earlier"] = known.earlier
        if known.protect:
            tree["protect"] = True
        if known.destinations:
            tree["destinations"] = known.destinations
        return tree

    def decode_entry(self, tree: JsonTree) -> StateEntry:
        """Return the entry that ``tree`` describes."""
        applied = self.decode_fields(tree["applied"])
        observed = tree.get("observed")
        words = [tree.get(name, "") for name in _TEXT_FIELDS]
        "".join(words)  # The cheapest way to have a TypeError for whatever is not text.
        identity, kind, digest, updated_at, rotated_at, retired_at, commit = words
        return StateEntry(
            address=Address.parse(tree["address"]),
            applied=applied,
            observed=applied if observed is None else self.decode_fields(observed),
            fingerprints=self.decode_fingerprints(tree.get("fingerprints", EMPTY)),
            earlier=require_texts(tree.get("earlier", ())),
            protect=bool(tree.get("protect")),
            id=identity,
            type=kind,
            digest=digest,
            updated_at=updated_at,
            rotated_at=rotated_at,
            retired_at=retired_at,
            commit=commit,
            destinations=require_texts(tree.get("destinations", ())),
        )

    def encode_fields(self, fields: Mapping[FieldPath, Any]) -> JsonTree:
        """Return ``fields`` by JSON pointer."""
        names = self._pointers
        return {
            names[path]: leaf if type(leaf) in _SCALAR_TYPES else _encode_leaf(leaf)
            for path, leaf in fields.items()
        }

    def decode_fields(self, tree: JsonTree) -> Fields:
        """Return the fields that ``pack`` made ``tree`` of."""
        paths = self._paths
        return MappingProxyType(
            {
                paths[name]: leaf if type(leaf) in _SCALAR_TYPES else _decode_leaf(leaf)
                for name, leaf in tree.items()
            }
        )

    def decode_fingerprints(self, tree: Mapping[str, Any]) -> Mapping[FieldPath, str]:
        """Return fingerprints by path; raises TypeError where one is not text."""
        if not tree:
            return EMPTY
        "".join(tree.values())
        paths = self._paths
        return MappingProxyType({paths[name]: digest for name, digest in tree.items()})


def _encode_leaf(leaf: Any) -> Any:
    if isinstance(leaf, Address):
        return {_REFERENCE_KEY: str(leaf)}
    if isinstance(leaf, list | tuple):
        return [_encode_leaf(item) for item in leaf]
    if isinstance(leaf, Mapping):
        packed = {key: _encode_leaf(item) for key, item in leaf.items()}
        return (
            {_LITERAL_KEY: packed}
            if len(packed) == 1 and packed.keys() & {_REFERENCE_KEY, _LITERAL_KEY}
            else packed
        )
    return leaf


def _decode_leaf(leaf: Any) -> Any:
    if isinstance(leaf, list):
        return [_decode_leaf(item) for item in leaf]
    if not isinstance(leaf, dict):
        return leaf
    if leaf.keys() == {_REFERENCE_KEY}:
        return Address.parse(require_text(leaf[_REFERENCE_KEY]))
    if leaf.keys() == {_LITERAL_KEY}:
        leaf = leaf[_LITERAL_KEY]
    return {key: _decode_leaf(item) for key, item in leaf.items()}
