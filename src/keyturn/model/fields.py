"""Fields of a resource as a flat mapping from path to leaf.

``{"config": {"host": "db", "tags": ["a"]}}`` becomes ``{("config", "host"): "db", ("config", "tags"):
["a"]}``. Lists and empty mappings are leaves. The paths of a manifest are the fields that keyturn
manages.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from keyturn.model.address import Address

FieldPath: TypeAlias = tuple[str, ...]
Leaf: TypeAlias = str | int | float | bool | Address | list[object] | dict[str, object] | None
Fields: TypeAlias = Mapping[FieldPath, Leaf]

MASK_TEXT: Final = "▒▒▒"
"""Shown for a key that is not made of the words of the schemas: it may be a secret."""

_WORDS: Final = """
access account age api app arn at audience auth authorization base bootstrap bucket ca catalog category
by certificate chain client cluster code config connection consumer container count credential database
dataset decryptor domain drive driver email endpoint engine env environment environments expiry
external file fingerprint folder from gateway grace group header headers host hosts http id identity
impersonation info item json keep key keys keyspace kind known labels level lifecycle limit limits
lived location managed manifests max mechanism minimum mode model moved name namespace objects
organization pace pagination pass passphrase passwd password path paths pem percent pfx policy pool
port prefix principal private privileged production project protect protocol provider put pwd quota
rate reason recipients redirect ref refresh region registry required resource retire role rotate
rotation router rule rules sas sasl schema scopes seal search secret secrets security serial server servers
service session shared short sid signature signing site soon sops source ssh ssl staging state
storage strategy stream string style subject tenant tls token tokens topics trust tunnel type types
uncommitted undocumented universe uri url user username vendor verification version waive warehouse
web workforce workgroup workload workspace workspaces x
"""
_FIELD_WORDS: Final = frozenset(_WORDS.split())
_WORD_ENDS: Final = re.compile(r"[-_.\s]|(?<=[a-z0-9])(?=[A-Z])")


class UnorderedList(list[object]):
    """A list whose order has no meaning: it equals each list with the same items, however often each.

    The items are sorted, so outputs and digests do not depend on the order of the service either.
    """

    __hash__ = None

    def __init__(self, items: Iterable[object] = ()) -> None:
        super().__init__(sorted(items, key=_to_comparison_key))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list):
            return NotImplemented
        return [*map(_to_comparison_key, self)] == sorted(map(_to_comparison_key, other))

    def __ne__(self, other: object) -> bool:
        return not self == other


def flatten_tree(tree: Mapping[str, object], prefix: FieldPath = ()) -> dict[FieldPath, Leaf]:
    """Return the leaves of a nested mapping by path, in document order."""
    return dict(_walk_leaves(tree, prefix))


def _walk_leaves(tree: Mapping[str, object], prefix: FieldPath) -> Iterator[tuple[FieldPath, Leaf]]:
    for key, value in tree.items():
        path = (*prefix, key)
        if isinstance(value, Mapping) and value:
            yield from _walk_leaves(value, path)
        else:
            yield path, value  # type: ignore[misc]


def nest_fields(fields: Mapping[FieldPath, object]) -> dict[str, object]:
    """Return the nested mapping whose leaves are ``fields``; the inverse of ``flatten_tree``."""
    tree: dict[str, object] = {}
    for path, leaf in fields.items():
        parent = tree
        for key in path[:-1]:
            parent = parent.setdefault(key, {})  # type: ignore[assignment]
        parent[path[-1]] = leaf
    return tree


def to_json_pointer(path: FieldPath) -> str:
    """Return ``path`` as a JSON pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def from_json_pointer(text: str) -> FieldPath:
    """Return the path that a JSON pointer (RFC 6901) denotes."""
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in text.split("/")[1:])


def format_path(path: FieldPath) -> str:
    """Return ``path`` for display: ``config.host``."""
    return ".".join(path)


def has_any_text(fields: Fields, texts: Collection[str]) -> bool:
    """Tell whether a leaf is one of ``texts``, such as IDs; leaves of every other type are ignored."""
    return any(is_any_text(leaf, texts) for leaf in fields.values())


def is_any_text(leaf: Leaf, texts: Collection[str]) -> bool:
    """Tell whether a leaf is a text and one of ``texts``; a list or a mapping cannot be hashed."""
    return isinstance(leaf, str) and leaf in texts


def values_identical(left: Fields, right: Fields) -> bool:
    """Tell whether two sets of fields are equal in values and types: 1, 1.0 and true are distinct."""
    return left is right or (
        left == right and all(repr(leaf) == repr(right[path]) for path, leaf in left.items())
    )


def values_equal(left: object, right: object) -> bool:
    """Tell whether the service treats two leaves as the same value.

    A deployment may store numbers and booleans as text (5432 and "5432", true and "true"), so
    scalars are compared by their text; lists and mappings element by element, an ``UnorderedList``
    without its order.
    """
    if isinstance(left, UnorderedList) or isinstance(right, UnorderedList):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(values_equal, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(values_equal(left[key], right[key]) for key in left)
    if isinstance(left, str | int | float) and isinstance(right, str | int | float):
        return _format_scalar(left) == _format_scalar(right)
    return left == right


def _format_scalar(scalar: str | float) -> str:
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, float) and scalar.is_integer():
        return str(int(scalar))
    return str(scalar)


def _to_comparison_key(item: object) -> tuple[str, str]:
    if isinstance(item, str | int | float):
        return ("scalar", _format_scalar(item))
    return ("other", json.dumps(item, sort_keys=True, default=str))


def is_field_name(key: str) -> bool:
    """Tell whether a key consists of words of the schemas, such as ``db.password`` or ``X-Api-Key``."""
    return all(word.lower() in _FIELD_WORDS for word in _WORD_ENDS.split(key))


def mask_key(key: str) -> str:
    """Return a key that is the name of a field or an index, else a mask."""
    return key if is_field_name(key) or (key.isascii() and key.isdigit() and len(key) < 4) else MASK_TEXT  # noqa: PLR2004


def mask_path(path: FieldPath) -> str:
    """Return a path for display, with a mask for each key that is not the name of a field."""
    return format_path(tuple(map(mask_key, path)))
