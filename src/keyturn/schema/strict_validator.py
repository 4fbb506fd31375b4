"""The validator that words what is wrong with a manifest: jsonschema, stricter in two points.

It decides wherever jsonschema-rs cannot. Its import is slow, so only a manifest that needs it imports it.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from keyturn.schema.definitions import Schema, compile_pattern, load_schema


@cache
def build_validator(kind: str) -> Draft202012Validator:
    """Return jsonschema's validator for a kind of manifest.

    ``$`` matches only at the very end, as in ECMA 262; in Python it also matches before a last newline.
    5432.0 is no integer: sops writes 5432 in its place.
    """
    return build_validator_class()(load_schema(kind))  # type: ignore[no-any-return]


@cache
def build_validator_class() -> Any:
    """Return the class of such validators, for a schema of any kind."""
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    changed = {"pattern": _find_pattern_errors}
    return extend(Draft202012Validator, changed, type_checker=types)  # type: ignore[no-untyped-call]


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _find_pattern_errors(_: Any, pattern: str, value: Any, __: Schema) -> Iterator[ValidationError]:
    if isinstance(value, str) and compile_pattern(pattern).search(value) is None:
        yield ValidationError("does not match")
