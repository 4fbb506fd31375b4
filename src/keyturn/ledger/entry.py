"""An entry of the ledger as JSON: paths are pointers, a reference is ``{"ref": "credential/x"}``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from keyturn.core.address import Address
from keyturn.core.fields import Fields, Path, identical, pointer, unpointer
from keyturn.core.resource import EMPTY, Known
from keyturn.ledger.shape import text, texts

Tree: TypeAlias = dict[str, Any]

_REF = "ref"
_LITERAL = "literal"
_SCALARS = frozenset({str, int, float, bool, type(None)})
_TEXTS = ("id", "type", "digest", "updated_at", "rotated_at", "retired_at", "commit")


class _Pointers(dict[Path, str]):
    def __missing__(self, path: Path) -> str:
        self[path] = made = pointer(path)
        return made


class _Paths(dict[str, Path]):
    def __missing__(self, name: str) -> Path:
        self[name] = made = unpointer(name)
        return made


class Codec:
    """Turns entries into trees and back; paths, met again and again, are converted once.

    One codec serves one document, so that what it remembers ends with it. ``decode`` raises
    ValueError, KeyError or TypeError for a tree that is no entry.
    """

    __slots__ = ("_paths", "_pointers")

    def __init__(self) -> None:
        self._pointers = _Pointers()
        self._paths = _Paths()

    def encode(self, known: Known) -> Tree:
        """Return ``known`` as a tree; what is empty, or observed just as applied, is left out."""
        tree: Tree = {"address": str(known.address), "applied": self.pack(known.applied)}
        for name in _TEXTS:
            if value := getattr(known, name):
                tree[name] = value
        if not identical(known.observed, known.applied):
            tree["observed"] = self.pack(known.observed)
        if known.fingerprints:
            tree["fingerprints"] = self.pack(known.fingerprints)
        if known.earlier:
            tree["earlier"] = known.earlier
        if known.protect:
            tree["protect"] = True
        if known.destinations:
            tree["destinations"] = known.destinations
        return tree

    def decode(self, tree: Tree) -> Known:
        """Return the entry that ``tree`` describes."""
        applied = self.unpack(tree["applied"])
        observed = tree.get("observed")
        words = [tree.get(name, "") for name in _TEXTS]
        "".join(words)  # The cheapest way to have a TypeError for whatever is not text.
        identity, kind, digest, updated_at, rotated_at, retired_at, commit = words
        return Known(
            address=Address.parse(tree["address"]),
            applied=applied,
            observed=applied if observed is None else self.unpack(observed),
            fingerprints=self.prints(tree.get("fingerprints", EMPTY)),
            earlier=texts(tree.get("earlier", ())),
            protect=bool(tree.get("protect")),
            id=identity,
            type=kind,
            digest=digest,
            updated_at=updated_at,
            rotated_at=rotated_at,
            retired_at=retired_at,
            commit=commit,
            destinations=texts(tree.get("destinations", ())),
        )

    def pack(self, fields: Mapping[Path, Any]) -> Tree:
        """Return ``fields`` by JSON pointer."""
        names = self._pointers
        return {
            names[path]: leaf if type(leaf) in _SCALARS else _pack_leaf(leaf) for path, leaf in fields.items()
        }

    def unpack(self, tree: Tree) -> Fields:
        """Return the fields that ``pack`` made ``tree`` of."""
        paths = self._paths
        return MappingProxyType(
            {
                paths[name]: leaf if type(leaf) in _SCALARS else _unpack_leaf(leaf)
                for name, leaf in tree.items()
            }
        )

    def prints(self, tree: Mapping[str, Any]) -> Mapping[Path, str]:
        """Return fingerprints by path; raises TypeError where one is not text."""
        if not tree:
            return EMPTY
        "".join(tree.values())
        paths = self._paths
        return MappingProxyType({paths[name]: digest for name, digest in tree.items()})


def _pack_leaf(leaf: Any) -> Any:
    if isinstance(leaf, Address):
        return {_REF: str(leaf)}
    if isinstance(leaf, list | tuple):
        return [_pack_leaf(item) for item in leaf]
    if isinstance(leaf, Mapping):
        packed = {key: _pack_leaf(item) for key, item in leaf.items()}
        return {_LITERAL: packed} if len(packed) == 1 and packed.keys() & {_REF, _LITERAL} else packed
    return leaf


def _unpack_leaf(leaf: Any) -> Any:
    if isinstance(leaf, list):
        return [_unpack_leaf(item) for item in leaf]
    if not isinstance(leaf, dict):
        return leaf
    if leaf.keys() == {_REF}:
        return Address.parse(text(leaf[_REF]))
    if leaf.keys() == {_LITERAL}:
        leaf = leaf[_LITERAL]
    return {key: _unpack_leaf(item) for key, item in leaf.items()}
