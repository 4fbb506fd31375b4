"""What jsonschema found, in words: made from keyword, path and schema, never from a value.

jsonschema's own messages quote the value, and a value that is in the wrong place may be a secret.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.kinds import KINDS
from keyturn.kinds.credential import KEY_PART_PREFIX
from keyturn.model.diagnostic import Cause, Diagnostic, error_diagnostic
from keyturn.model.fields import FieldPath
from keyturn.model.secret_detection import is_secret_name
from keyturn.policy.text_matching import safe_field_name
from keyturn.schema.alternatives import explain_alternatives
from keyturn.schema.definitions import (
    SEAL_FIELD,
    Schema,
    compile_pattern,
    config_fields,
    load_type_schema,
    secret_fields,
)
from keyturn.schema.strict_validator import build_validator
from keyturn.yamldoc.reader import Document

TYPE_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "object": ("a mapping", "write its keys below it, indented"),
    "array": ("a list", "write one item per line, each after a dash"),
    "string": ("text", "put the value in quotes"),
    "integer": ("a whole number", "write digits, without quotes"),
    "number": ("a number", "write digits, without quotes"),
    "boolean": ("true or false", "write true or false, without quotes"),
}
_MAX_SUGGESTIONS: Final = 8
_MESSAGE_KEYWORDS: Final = frozenset({"pattern", "not", "anyOf", "required"})

_SchemaError: TypeAlias = Any
"""A ValidationError of jsonschema, each of whose parts may be of any type."""


def safe_path(path: FieldPath) -> str:
    """Return ``path`` for a message; a key that may itself be a secret is not said."""
    return ".".join(key if key.isdigit() or safe_field_name((key,)) == key else "…" for key in path)


class _CheckedManifest(Struct, frozen=True):
    document: Document
    kind: str
    type: str


class _SchemaProblem(Struct, frozen=True):
    diagnostic: Diagnostic
    missing_fields: frozenset[str] = frozenset()
    explained_fields: frozenset[str] = frozenset()


def schema_diagnostics(document: Document, kind: str) -> tuple[Diagnostic, ...]:
    """Return a finding for everything in ``document`` that its schema does not allow, worst place first.

    Where an unknown field has a near name, or stands in the wrong block, nothing is said of the
    field that is missing because of it.
    """
    if kind not in KINDS:
        return (_unknown_kind_error(document, kind),)
    case = _CheckedManifest(document, kind, str(document.tree.get("type")))
    errors = tuple(build_validator(kind).iter_errors(document.tree))
    words = [word for error in errors for word in _describe_error(case, error)]
    explained = frozenset[str]().union(*(word.explained_fields for word in words))
    kept = tuple(dict.fromkeys(word.diagnostic for word in words if not word.missing_fields & explained))
    if errors and not kept and not any("x-rule" in error.schema for error in errors):
        hint = f"compare it with `keyturn schema {kind}`"
        kept = (
            error_diagnostic("KT133", document.find_location(), "the manifest does not match its schema", hint),
        )
    return tuple(sorted(kept, key=lambda finding: finding.sort_key))


def _describe_error(case: _CheckedManifest, error: _SchemaError) -> Iterator[_SchemaProblem]:
    path = tuple(str(part) for part in error.absolute_path)
    rule: Schema = error.schema
    if "x-rule" in rule:
        return
    if error.validator == "oneOf":
        yield from _describe_alternatives(case, rule)
    elif error.validator in _DESCRIBE_BY_KEYWORD and not (
        error.validator in _MESSAGE_KEYWORDS and "errorMessage" in rule
    ):
        yield from _DESCRIBE_BY_KEYWORD[error.validator](case, path, error)
    else:
        yield from _describe_custom_message(case, path, error)


def _describe_custom_message(
    case: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    said = str(error.schema.get("errorMessage", "does not have the required format"))
    name = said.removesuffix(" is missing")
    if name != said:
        hint = "add it under secrets, or list it under keep to leave the live value unchanged"
        origin = case.document.find_location(("secrets",), key=True)
        yield _SchemaProblem(
            error_diagnostic("KT132", origin, f"the secret {name} is missing", hint), frozenset({name})
        )
    elif error.validator == "not" and path[:1] == ("secrets",):
        yield _describe_readonly_field(case, path, said)
    elif error.instance != "" and not (error.validator == "anyOf" and "type" in error.schema):
        place = case.document.find_location(path)
        yield _SchemaProblem(
            error_diagnostic(
                "KT133", place, f"{safe_path(path) or 'the manifest'}: {said}", _format_example(error)
            )
        )


def _describe_readonly_field(case: _CheckedManifest, path: FieldPath, why: str) -> _SchemaProblem:
    origin = case.document.find_location(path, key=True)
    message = f"{safe_path(path)} cannot be set in a manifest"
    return _SchemaProblem(error_diagnostic("KT140", origin, message, why, cause=Cause.POSSIBLE_PLAINTEXT))


def _describe_alternatives(case: _CheckedManifest, rule: Schema) -> Iterator[_SchemaProblem]:
    found = explain_alternatives(_intended_fields(case), rule["oneOf"])
    if found is not None:
        block = "secrets" if "secrets" in case.document.tree else "config"
        origin = case.document.find_location((block,), key=True)
        yield _SchemaProblem(
            error_diagnostic(found.code, origin, found.message, found.hint), found.missing_fields
        )


def _intended_fields(case: _CheckedManifest) -> frozenset[str]:
    known = _known_fields(case)
    blocks = [case.document.tree.get(block) for block in ("config", "secrets")]
    stated = [
        str(key) for block in blocks if isinstance(block, Mapping) for key in block if key != SEAL_FIELD
    ]
    keep = case.document.tree.get("keep")
    kept = [str(name).partition(".")[0] for name in keep] if isinstance(keep, list) else []
    return frozenset(
        key if key in known or key.startswith(KEY_PART_PREFIX) else _suggest_name(key, known)[0]
        for key in (*stated, *kept)
    ) - {""}


def _known_fields(case: _CheckedManifest) -> tuple[str, ...]:
    return (*config_fields(case.kind, case.type), *secret_fields(case.kind, case.type))


def _unknown_kind_error(document: Document, kind: str) -> Diagnostic:
    if "kind" not in document.tree:
        hint = "begin the file with `kind: credential` or `kind: connection`"
        return error_diagnostic("KT130", document.find_location(), "the manifest has no kind", hint)
    message = "unknown kind of manifest"
    return error_diagnostic(
        "KT130", document.find_location(("kind",)), message, _suggest_name(kind, tuple(KINDS))[1]
    )


def _describe_extra_fields(
    case: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    rule: Schema = error.schema
    known = tuple(rule.get("properties", {}))
    patterns = [compile_pattern(pattern) for pattern in rule.get("patternProperties", {})]
    for key in error.instance:
        if key not in known and not any(pattern.search(key) for pattern in patterns):
            yield _describe_unknown_field(case, (*path, key), tuple(name for name in known if name != "seal"))


def _describe_unknown_field(
    case: _CheckedManifest, path: FieldPath, known: tuple[str, ...]
) -> _SchemaProblem:
    key = path[-1]
    origin = case.document.find_location(path, key=True)
    if (refused := _find_refusal(case, key)) is not None:
        return _describe_readonly_field(case, path, refused)
    if (home := _find_block(case, path)) is not None and home != path[0]:
        is_secret = home == "secrets"
        code = "KT135" if is_secret else "KT136"
        cause = Cause.POSSIBLE_PLAINTEXT if is_secret else Cause.OTHER
        what = "a secret" if is_secret else "plain"
        message = f"{safe_path(path)} is {what} and belongs under {home}"
        hint = _format_move_hint(home, path)
        return _SchemaProblem(
            error_diagnostic(code, origin, message, hint, cause=cause), explained_fields=frozenset({key})
        )
    if case.kind == "connection" and is_secret_name(key):
        message = f"{safe_path(path)} has the name of a secret; a connection has no secrets"
        hint = "put it under secrets of a credential, and refer to that credential in `credential:`"
        return _SchemaProblem(
            error_diagnostic("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
        )
    near, hint = _suggest_name(key, known)
    where = f" of type {case.type}" if len(path) > 1 and load_type_schema(case.kind, case.type) else ""
    message = f"{safe_path(path)} is not a field of a {case.kind}{where}"
    finding = error_diagnostic("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
    return _SchemaProblem(finding, explained_fields=frozenset({near} if near else ()))


def _find_refusal(case: _CheckedManifest, key: str) -> str | None:
    secrets = (
        load_type_schema(case.kind, case.type).get("properties", {}).get("secrets", {}).get("properties", {})
    )
    field = secrets.get(key, {})
    return field["errorMessage"] if "not" in field else None


def _find_block(case: _CheckedManifest, path: FieldPath) -> str | None:
    key = path[-1]
    if len(path) > 2 or (len(path) == 2 and path[0] not in ("config", "secrets")):  # noqa: PLR2004
        return None
    if key in secret_fields(case.kind, case.type):
        return "secrets"
    return "config" if key in config_fields(case.kind, case.type) else None


def _format_move_hint(home: str, path: FieldPath) -> str:
    if home == "secrets":
        return "move it there and encrypt it; rotate the value if it was committed in plain text"
    return "move it there; reviewers can read only plain text" if path[0] == "secrets" else "move it there"


def _describe_missing_fields(
    case: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    for name in error.validator_value:
        if name not in error.instance:
            message = f"{safe_path((*path, name))} is missing"
            origin = case.document.find_location(path, key=True)
            yield _SchemaProblem(error_diagnostic("KT132", origin, message, f"add {name}"), frozenset({name}))


def _describe_wrong_type(
    case: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    wanted = error.validator_value
    form, hint = TYPE_TEXTS.get(wanted if isinstance(wanted, str) else "", ("another type", ""))
    if error.instance is None:
        message = f"{safe_path(path)} is null: it has no value"
        hint = f"give it a value ({form}), or remove it"
        yield _SchemaProblem(
            error_diagnostic(
                "KT139", case.document.find_location(path), message, hint, cause=Cause.EMPTY_VALUE
            )
        )
        return
    hint = error.schema.get("errorMessage", hint)
    if wanted == "string" and isinstance(error.instance, Mapping | list):
        hint = "write it as one text; use a block (|) for several lines"
    hidden = frozenset(_known_fields(case)) if path in (("config",), ("secrets",)) else frozenset()
    finding = error_diagnostic(
        "KT133", case.document.find_location(path), f"{safe_path(path)} must be {form}", hint
    )
    yield _SchemaProblem(finding, explained_fields=hidden)


def _describe_wrong_choice(
    case: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    allowed = [error.validator_value] if error.validator == "const" else list(error.validator_value)
    if path[:1] == ("keep",):
        message = f"keep lists a field that is not a secret of type {case.type}"
    else:
        message = f"{safe_path(path)} is not an allowed value"
    near, hint = _suggest_name(str(error.instance), tuple(str(each) for each in allowed))
    yield _SchemaProblem(
        error_diagnostic("KT134", case.document.find_location(path), message, hint),
        explained_fields=frozenset({near}),
    )


def _describe_empty_value(
    case: _CheckedManifest, path: FieldPath, _: _SchemaError
) -> Iterator[_SchemaProblem]:
    message = f"{safe_path(path)} is empty"
    hint = "give it a value, or remove it"
    yield _SchemaProblem(
        error_diagnostic("KT139", case.document.find_location(path), message, hint, cause=Cause.EMPTY_VALUE)
    )


def _describe_out_of_bounds(
    case: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    word = "at least" if error.validator == "minimum" else "at most"
    message = f"{safe_path(path)} must be {word} {error.validator_value}"
    yield _SchemaProblem(
        error_diagnostic("KT133", case.document.find_location(path), message, _format_example(error))
    )


def _describe_long_text(
    case: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    message = f"{safe_path(path)} is longer than {error.validator_value} characters"
    yield _SchemaProblem(error_diagnostic("KT133", case.document.find_location(path), message, "shorten it"))


def _describe_duplicate_item(
    case: _CheckedManifest, path: FieldPath, _: _SchemaError
) -> Iterator[_SchemaProblem]:
    message = f"{safe_path(path)} has a duplicate item"
    yield _SchemaProblem(
        error_diagnostic("KT133", case.document.find_location(path), message, "remove one of the two")
    )


def _suggest_name(word: str, known: tuple[str, ...]) -> tuple[str, str]:
    if near := get_close_matches(word.lower(), known, n=1, cutoff=0.6):
        return near[0], f"did you mean {near[0]}?"
    if not known:
        return "", "remove it"
    more = ", …" if len(known) > _MAX_SUGGESTIONS else ""
    return "", f"known here: {', '.join(known[:_MAX_SUGGESTIONS])}{more}"


def _format_example(error: _SchemaError) -> str:
    if error.validator == "required":
        return f"add {' and '.join(name for name in error.validator_value if name not in error.instance)}"
    examples = error.schema.get("examples") or [""]
    return f"for example: {examples[0]}" if isinstance(examples[0], str | int) and examples[0] != "" else ""


_DESCRIBE_BY_KEYWORD: Final[
    Mapping[str, Callable[[_CheckedManifest, FieldPath, _SchemaError], Iterator[_SchemaProblem]]]
] = {
    "additionalProperties": _describe_extra_fields,
    "required": _describe_missing_fields,
    "type": _describe_wrong_type,
    "enum": _describe_wrong_choice,
    "const": _describe_wrong_choice,
    "anyOf": _describe_wrong_choice,
    "minLength": _describe_empty_value,
    "minItems": _describe_empty_value,
    "minProperties": _describe_empty_value,
    "minimum": _describe_out_of_bounds,
    "maximum": _describe_out_of_bounds,
    "maxLength": _describe_long_text,
    "uniqueItems": _describe_duplicate_item,
}
