"""Errors of shape in keyturn.yaml, in words: made from keyword, path and schema, never from a value.

A value may be a secret in the wrong place, such as an API key. In the schema, ``errorMessage`` replaces the
text of a message and ``x-renamed`` maps old keys to new ones. Python code repeats a check that has
``x-rule``, and reports its errors.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from keyturn.catalog import find_code
from keyturn.model.diagnostic import Diagnostic, error_diagnostic, suggest_nearest
from keyturn.model.fields import FieldPath, format_path, mask_key
from keyturn.schema.messages import TYPE_TEXTS
from keyturn.schema.strict_validator import build_validator
from keyturn.yamldoc.reader import Document

_SchemaError: TypeAlias = Any
"""A ValidationError of jsonschema, each of whose parts may be of any type."""

_RULE_KEYWORDS: Final = frozenset({"pattern", "maxLength"})


def describe_project_errors(document: Document) -> tuple[Diagnostic, ...]:
    """Return an error for each part of keyturn.yaml that its schema does not accept, sorted."""
    errors = build_validator("project").iter_errors(document.tree)
    found = (diagnostic for error in errors for diagnostic in _describe_error(document, error))
    return tuple(sorted(dict.fromkeys(found), key=lambda diagnostic: diagnostic.sort_key))


def _describe_error(document: Document, error: _SchemaError) -> Iterator[Diagnostic]:
    path = tuple(str(part) for part in error.absolute_path)
    if "x-rule" in error.schema and error.validator in _RULE_KEYWORDS:
        return
    if error.validator == "additionalProperties":
        yield from _describe_unknown_keys(document, path, error)
    elif error.validator == "required":
        yield from _describe_missing_keys(document, path, error)
    elif "propertyNames" in error.absolute_schema_path:
        yield _describe_value(document, (*path, str(error.instance)), error, key=True)
    else:
        yield _describe_value(document, path, error)


def _describe_unknown_keys(document: Document, path: FieldPath, error: _SchemaError) -> Iterator[Diagnostic]:
    known = tuple(error.schema["properties"])
    renamed = error.schema.get("x-renamed", {})
    for key in error.instance:
        if key not in known:
            origin = document.find_location((*path, key), key=True)
            shown = key if key in renamed else mask_key(key)
            message = f"{format_path((*path, shown))} is not a setting"
            hint = f"rename `{key}:` to `{renamed[key]}:`" if key in renamed else suggest_nearest(key, known)
            yield error_diagnostic("KT002", origin, message, hint)


def _describe_missing_keys(document: Document, path: FieldPath, error: _SchemaError) -> Iterator[Diagnostic]:
    for key in error.validator_value:
        if key not in error.instance:
            message = f"{format_path((*path, key))} is missing"
            yield error_diagnostic("KT003", document.find_location(path), message, f"add `{key}:`")


def _describe_value(
    document: Document, path: FieldPath, error: _SchemaError, *, key: bool = False
) -> Diagnostic:
    text, hint = _DESCRIBE_BY_KEYWORD[error.validator](error)
    is_key_source = path[2:3] == ("api_key",)
    return error_diagnostic(
        "KT006" if is_key_source else "KT003",
        document.find_location(path, key=key),
        f"{format_path((*path[:-1], mask_key(path[-1])) if key else path)} "
        f"{error.schema.get('errorMessage', text)}",
        find_code("KT006").hint if is_key_source else hint,
    )


def _describe_type(error: _SchemaError) -> tuple[str, str]:
    types = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    form, hint = TYPE_TEXTS[types[0]]
    return f"must be {form}", hint


def _describe_choice(error: _SchemaError) -> tuple[str, str]:
    options = [str(option) for option in error.validator_value if not isinstance(option, bool)]
    hint = suggest_nearest(str(error.instance), options)
    return f"must be one of {', '.join(options)}", hint if hint.startswith("did") else "write one of them"


def _describe_constant(error: _SchemaError) -> tuple[str, str]:
    return f"must be {error.validator_value}", f"write {error.validator_value}, or update keyturn"


def _describe_bound(error: _SchemaError) -> tuple[str, str]:
    side = "at least" if error.validator == "minimum" else "at most"
    return f"must be {side} {error.validator_value}", ""


def _describe_empty(error: _SchemaError) -> tuple[str, str]:
    return "is empty", "give it a value" if error.validator == "minLength" else "add at least one entry"


def _describe_form(_: _SchemaError) -> tuple[str, str]:
    return "does not have the form of this setting", "compare it with `keyturn schema project`"


_DESCRIBE_BY_KEYWORD: Final[Mapping[str, Callable[[_SchemaError], tuple[str, str]]]] = {
    "type": _describe_type,
    "enum": _describe_choice,
    "const": _describe_constant,
    "minimum": _describe_bound,
    "maximum": _describe_bound,
    "minLength": _describe_empty,
    "minItems": _describe_empty,
    "minProperties": _describe_empty,
    "maxProperties": _describe_form,
    "pattern": _describe_form,
}
