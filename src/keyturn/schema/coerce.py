"""Settings as text become what their schema says they are: some deployments answer everything as text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from keyturn.model.fields import FieldPath, Fields, Leaf, flatten_tree
from keyturn.schema.definitions import config_field_types

_BOOLEANS = {"true": True, "false": False}


def coerce_types(kind: str, type: str, fields: Fields) -> Fields:  # noqa: A002
    """Return fields of a resource with text as numbers and booleans, where its schema means them.

    Text that holds a mapping or a list as JSON, where the schema means one, becomes its fields. Only
    what the schema calls so and what reads as one is changed.
    """
    types = config_field_types(kind, type)
    return dict(_coerce_fields(fields, types))


def _coerce_fields(fields: Fields, types: Mapping[FieldPath, Any]) -> Iterator[tuple[FieldPath, Leaf]]:
    for path, leaf in fields.items():
        whole = _parse_json_text(leaf, types.get(path[1:]))
        if isinstance(whole, Mapping) and whole:
            yield from (
                (inner, _coerce_leaf(each, types.get(inner[1:])))
                for inner, each in flatten_tree(whole, path).items()
            )
        else:
            yield path, _coerce_leaf(whole, types.get(path[1:]))


def _parse_json_text(leaf: Leaf, wanted: Any) -> Any:
    allowed = _allowed_types(wanted)
    if not isinstance(leaf, str) or "string" in allowed:
        return leaf
    form = "object" if leaf.startswith("{") else "array" if leaf.startswith("[") else ""
    if form not in allowed:
        return leaf
    try:
        return json.loads(leaf)
    except (ValueError, RecursionError):
        return leaf


def _coerce_leaf(leaf: Leaf, wanted: Any) -> Leaf:
    if not isinstance(leaf, str) or not leaf.isascii():
        return leaf
    allowed = _allowed_types(wanted)
    if "string" in allowed:
        return leaf
    if allowed & {"integer", "number"} and leaf.removeprefix("-").isdigit():
        return int(leaf)
    return _BOOLEANS.get(leaf, leaf) if "boolean" in allowed else leaf


def _allowed_types(wanted: Any) -> frozenset[str]:
    return frozenset({wanted}) if isinstance(wanted, str) else frozenset(wanted or ())
