"""Strict validators of keyturn's output, made from the published schemas."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent.parent / "schemas"


def close_schema(schema: Any) -> Any:
    """Return a schema that allows only the keys it describes."""
    if isinstance(schema, list):
        return [close_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: close_schema(value) for key, value in schema.items()}
    return {"additionalProperties": False, **inner} if "properties" in inner else inner


@cache
def make_validator(name: str) -> Draft202012Validator:
    """Return a validator that also rejects keys that the schema does not describe."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(close_schema(schema))


def parse_valid(name: str, text: str) -> Any:
    """Parse a document and check it against its published schema."""
    document = json.loads(text)
    assert not [f"{error.json_path}: {error.message}" for error in make_validator(name).iter_errors(document)]
    return document
