"""Fields of a resource, flat: a mapping from a path of keys to a leaf.

``{"config": {"host": "db", "tags": ["a"]}}`` is ``{("config", "host"): "db", ("config", "tags"):
["a"]}``. Lists and empty mappings are leaves. A flat mapping says which fields a manifest states,
and so which ones keyturn owns, without walking two trees side by side.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from keyturn.model.address import Address

FieldPath: TypeAlias = tuple[str, ...]
Leaf: TypeAlias = str | int | float | bool | Address | list[object] | dict[str, object] | None
Fields: TypeAlias = Mapping[FieldPath, Leaf]


def flatten_tree(tree: Mapping[str, object], prefix: FieldPath = ()) -> dict[FieldPath, Leaf]:
    """Return the leaves of a nested mapping by path, in the order in which they stand."""
    return dict(_walk_leaves(tree, prefix))


def _walk_leaves(tree: Mapping[str, object], prefix: FieldPath) -> Iterator[tuple[FieldPath, Leaf]]:
    for key, value in tree.items():
        path = (*prefix, key)
        if isinstance(value, Mapping) and value:
            yield from _walk_leaves(value, path)
        else:
            yield path, value  # type: ignore[misc]


def nest_fields(fields: Mapping[FieldPath, object]) -> dict[str, object]:
    """Return the nested mapping whose leaves are ``fields``: the inverse of ``flatten``."""
    tree: dict[str, object] = {}
    for path, leaf in fields.items():
        here = tree
        for key in path[:-1]:
            here = here.setdefault(key, {})  # type: ignore[assignment]
        here[path[-1]] = leaf
    return tree


def to_json_pointer(path: FieldPath) -> str:
    """Return ``path`` as a JSON pointer (RFC 6901), the form in which paths are stored."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def from_json_pointer(text: str) -> FieldPath:
    """Return the path that a JSON pointer names."""
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in text.split("/")[1:])


def format_path(path: FieldPath) -> str:
    """Return ``path`` as a reader sees it: ``config.host``."""
    return ".".join(path)


def values_identical(one: Fields, other: Fields) -> bool:
    """Tell whether two sets of fields are one and the same to a service, which tells 1 from 1.0 and true."""
    return one is other or (
        one == other and all(repr(leaf) == repr(other[path]) for path, leaf in one.items())
    )


def values_equal(one: object, other: object) -> bool:
    """Tell whether two leaves mean the same, as the service reads them.

    A deployment may store numbers and booleans as text (5432 and "5432", true and "true"), so
    scalars are compared by their text; lists and mappings element by element.
    """
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(values_equal, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(values_equal(one[key], other[key]) for key in one)
    if isinstance(one, str | int | float) and isinstance(other, str | int | float):
        return _scalar_text(one) == _scalar_text(other)
    return one == other


def _scalar_text(scalar: str | float) -> str:
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, float) and scalar.is_integer():
        return str(int(scalar))
    return str(scalar)
