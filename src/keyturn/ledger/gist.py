"""The gist of a manifest as JSON, in an entry that says the better part of it already."""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, Final, Protocol, TypeAlias

from keyturn.core.address import Address
from keyturn.core.fields import Fields, Path, pointer, unpointer
from keyturn.core.resource import EMPTY, Gist, Known, Lifecycle
from keyturn.ledger.shape import texts

Tree: TypeAlias = dict[str, Any]
Subject: TypeAlias = tuple[Address, str, str, Fields]
"""What an entry is of: its address, type, digest and the fields last written."""

_AS_EVER: Final = Lifecycle()
_LIFE: Final = {each.name: type(getattr(_AS_EVER, each.name)) for each in fields(Lifecycle)}


class Fielded(Protocol):
    """What turns fields into trees and back."""

    def pack(self, fields: Mapping[Path, Any]) -> Tree:
        """Return ``fields`` by JSON pointer."""

    def unpack(self, tree: Tree) -> Fields:
        """Return the fields that ``pack`` made ``tree`` of."""

    def prints(self, tree: Mapping[str, Any]) -> Mapping[Path, str]:
        """Return texts by path; raises TypeError where one is not text."""


def fitting(known: Known) -> Gist | None:
    """Return the gist that goes with an entry: one of the file that the entry was applied from."""
    gist = known.gist
    if gist and (gist.address, gist.type, gist.digest) == (known.address, known.type, known.digest):
        return gist
    return None


def pack_gist(gist: Gist, codec: Fielded, *, same: bool) -> Tree:
    """Return a gist as a tree; ``same`` says that the entry holds its fields already."""
    tree: Tree = {"file": gist.file, "passed": gist.passed}
    if not same:
        tree["fields"] = codec.pack(gist.fields)
    if gist.secrets:
        tree["secrets"] = codec.pack(gist.secrets)
    if gist.keep:
        tree["keep"] = [pointer(path) for path in gist.keep]
    if gist.labels:
        tree["labels"] = dict(gist.labels)
    if gist.lifecycle != _AS_EVER:
        tree["lifecycle"] = _unlike_ever(gist.lifecycle)
    if gist.waivers:
        tree["waivers"] = gist.waivers
    return tree


def unpack_gist(tree: Tree, of: Subject, codec: Fielded) -> Gist:
    """Return the gist in ``tree``; raises ValueError, KeyError or TypeError for anything else."""
    address, kind, digest, applied = of
    file, passed, labels = tree["file"], tree["passed"], tree.get("labels", EMPTY)
    "".join((file, passed, *labels.values()))
    stated = tree.get("fields")
    return Gist(
        file=file,
        digest=digest,
        address=address,
        type=kind,
        fields=applied if stated is None else codec.unpack(stated),
        secrets=codec.prints(tree.get("secrets", EMPTY)),
        keep=tuple(map(unpointer, texts(tree.get("keep", ())))),
        labels=labels,
        lifecycle=_life(tuple(tree["lifecycle"].items())) if "lifecycle" in tree else _AS_EVER,
        waivers=tuple(map(_pair, tree.get("waivers", ()))),
        passed=passed,
    )


def _unlike_ever(lifecycle: Lifecycle) -> Tree:
    return {name: said for name in _LIFE if (said := getattr(lifecycle, name)) != getattr(_AS_EVER, name)}


@lru_cache(maxsize=4096)  # the manifests of a repository live by the same few rules
def _life(stated: tuple[tuple[str, Any], ...]) -> Lifecycle:
    if any(type(said) is not _LIFE[name] for name, said in stated):
        message = "a lifecycle was expected"
        raise TypeError(message)
    return Lifecycle(**dict(stated))


def _pair(waiver: Any) -> tuple[str, str]:
    rule, reason = texts(waiver)
    return rule, reason
