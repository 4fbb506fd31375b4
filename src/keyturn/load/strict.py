"""jsonschema, stricter in two things, for the few manifests that are wrong."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from keyturn.load.definitions import schema
from keyturn.load.shape import Schema, expression


@cache
def strict(kind: str) -> Draft202012Validator:
    """Return jsonschema's validator for a kind, stricter in two things.

    ``$`` ends a text as JSON Schema has it, not also before a last newline as in Python. And 5432.0
    is no whole number: sops would take one for the other without noticing.
    """
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _whole)
    changed = {"pattern": _pattern}
    validator = extend(Draft202012Validator, changed, type_checker=types)  # type: ignore[no-untyped-call]
    return validator(schema(kind))  # type: ignore[no-any-return]


def _whole(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(_: Any, pattern: str, value: Any, __: Schema) -> Iterator[ValidationError]:
    if isinstance(value, str) and expression(pattern).search(value) is None:
        yield ValidationError("does not match")
