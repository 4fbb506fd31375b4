"""The words that the schemas use: conditions, which both validators are held to, and annotations."""

from collections.abc import Iterator
from typing import Any

ANNOTATIONS = frozenset(
    {
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "title",
        "description",
        "examples",
        "default",
        "writeOnly",
        "errorMessage",
    }
)
"""Keywords that say something to a reader and nothing about what fits; so does each that begins ``x-``."""

CONDITIONS = frozenset(
    {
        "$ref",
        "type",
        "const",
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minimum",
        "maximum",
        "required",
        "properties",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "items",
        "contains",
        "uniqueItems",
        "if",
        "then",
        "else",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
    }
)
"""Keywords of JSON Schema that a schema of manifests may use."""

_BY_NAME = ("properties", "patternProperties", "$defs")
_ONE = ("additionalProperties", "propertyNames", "items", "contains", "if", "then", "else", "not")
_MANY = ("allOf", "anyOf", "oneOf")


def list_schemas(part: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and every schema inside it; booleans are left out."""
    if not isinstance(part, dict):
        return
    yield part
    named = [inner for word in _BY_NAME for inner in part.get(word, {}).values()]
    listed = [inner for word in _MANY for inner in part.get(word, ())]
    for inner in (*named, *listed, *(part[word] for word in _ONE if word in part)):
        yield from list_schemas(inner)
