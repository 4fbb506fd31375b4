"""The validator for error reports: jsonschema, stricter than the specification in two points.

Its verdict is binding if jsonschema-rs does not accept a manifest. It is imported only then, because
its import is slow.
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
    """Return the validator for a kind of manifest.

    ``$`` matches only at the end of the text, as in ECMA 262; in Python it also matches before a final
    newline. 5432.0 is not an integer, because sops replaces it by 5432.
    """
    return build_validator_class()(load_schema(kind))  # type: ignore[no-any-return]


@cache
def build_validator_class() -> Any:
    """Return the class of these validators, for any schema."""
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    changed = {"pattern": _find_pattern_errors}
    return extend(Draft202012Validator, changed, type_checker=types)  # type: ignore[no-untyped-call]


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _find_pattern_errors(_: Any, pattern: str, value: Any, __: Schema) -> Iterator[ValidationError]:
    if isinstance(value, str) and compile_pattern(pattern).search(value) is None:
        yield ValidationError("does not match")
