"""Conversion of text values to the types of the schema: some deployments return all values as text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from keyturn.model.fields import FieldPath, Fields, Leaf, flatten_tree
from keyturn.schema.definitions import config_field_types

_BOOLEANS: Final = {"true": True, "false": False}


def coerce_types(kind: str, type: str, fields: Fields) -> Fields:  # noqa: A002
    """Convert text to the numbers and booleans that the schema of the fields requires.

    JSON text of a mapping or a list becomes its fields if the schema requires one. Fields without a
    type in the schema and text that does not parse are unchanged.
    """
    types = config_field_types(kind, type)
    return dict(_coerce_fields(fields, types))


def _coerce_fields(fields: Fields, types: Mapping[FieldPath, Any]) -> Iterator[tuple[FieldPath, Leaf]]:
    for path, leaf in fields.items():
        value = _parse_json_text(leaf, types.get(path[1:]))
        if isinstance(value, Mapping) and value:
            yield from (
                (inner_path, _coerce_leaf(inner, types.get(inner_path[1:])))
                for inner_path, inner in flatten_tree(value, path).items()
            )
        else:
            yield path, _coerce_leaf(value, types.get(path[1:]))


def _parse_json_text(leaf: Leaf, schema_type: Any) -> Any:
    allowed = _allowed_types(schema_type)
    if not isinstance(leaf, str) or "string" in allowed:
        return leaf
    json_type = "object" if leaf.startswith("{") else "array" if leaf.startswith("[") else ""
    if json_type not in allowed:
        return leaf
    try:
        return json.loads(leaf)
    except (ValueError, RecursionError):
        return leaf


def _coerce_leaf(leaf: Leaf, schema_type: Any) -> Leaf:
    if not isinstance(leaf, str) or not leaf.isascii():
        return leaf
    allowed = _allowed_types(schema_type)
    if "string" in allowed:
        return leaf
    if allowed & {"integer", "number"} and leaf.removeprefix("-").isdigit():
        return int(leaf)
    return _BOOLEANS.get(leaf, leaf) if "boolean" in allowed else leaf


def _allowed_types(schema_type: Any) -> frozenset[str]:
    return frozenset({schema_type}) if isinstance(schema_type, str) else frozenset(schema_type or ())
