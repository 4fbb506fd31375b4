"""Diagnostics for jsonschema errors, built from keyword, path and schema, never from a value.

The messages of jsonschema quote the value, and a value in the wrong place may be a secret.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.kinds import KINDS
from keyturn.kinds.credential import KEY_PART_PREFIX
from keyturn.model.diagnostic import Cause, Diagnostic, error_diagnostic, find_nearest_name
from keyturn.model.fields import FieldPath, format_path, mask_key
from keyturn.model.secret_detection import is_secret_name
from keyturn.policy.text_matching import format_field_name
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
"""A ValidationError of jsonschema, whose attributes are untyped."""


class _CheckedManifest(Struct, frozen=True):
    document: Document
    kind: str
    type: str


class _SchemaProblem(Struct, frozen=True):
    diagnostic: Diagnostic
    missing_fields: frozenset[str] = frozenset()
    explained_fields: frozenset[str] = frozenset()


def safe_path(path: FieldPath) -> str:
    """Return ``path`` for a message, with a mask for each key that may be a secret.

    Labels have names of the user, so only those that look like a secret are masked.
    """
    is_label = path[:1] == ("labels",)
    return format_path(
        tuple(key if is_label and format_field_name((key,)) == key else mask_key(key) for key in path)
    )


def find_schema_errors(document: Document, kind: str) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each schema error of ``document``, sorted by location.

    A missing field is not reported if an unknown or misplaced field explains it.
    """
    if kind not in KINDS:
        return (_unknown_kind_error(document, kind),)
    manifest = _CheckedManifest(document, kind, str(document.tree.get("type")))
    errors = tuple(build_validator(kind).iter_errors(document.tree))
    problems = [problem for error in errors for problem in _describe_error(manifest, error)]
    explained = frozenset[str]().union(*(problem.explained_fields for problem in problems))
    diagnostics = tuple(
        dict.fromkeys(each.diagnostic for each in problems if not each.missing_fields & explained)
    )
    if errors and not diagnostics and not any("x-rule" in error.schema for error in errors):
        hint = f"compare it with `keyturn schema {kind}`"
        diagnostics = (
            error_diagnostic(
                "KT133", document.find_location(), "the manifest does not match its schema", hint
            ),
        )
    return tuple(sorted(diagnostics, key=lambda each: each.sort_key))


def _describe_error(manifest: _CheckedManifest, error: _SchemaError) -> Iterator[_SchemaProblem]:
    path = tuple(str(part) for part in error.absolute_path)
    rule: Schema = error.schema
    if "x-rule" in rule:
        return
    if error.validator == "oneOf":
        yield from _describe_alternatives(manifest, rule)
    elif error.validator in _DESCRIBE_BY_KEYWORD and not (
        error.validator in _MESSAGE_KEYWORDS and "errorMessage" in rule
    ):
        yield from _DESCRIBE_BY_KEYWORD[error.validator](manifest, path, error)
    else:
        yield from _describe_custom_message(manifest, path, error)


def _describe_custom_message(
    manifest: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    message = str(error.schema.get("errorMessage", "does not have the required format"))
    name = message.removesuffix(" is missing")
    if name != message:
        hint = "add it under secrets, or list it under keep to leave the live value unchanged"
        origin = manifest.document.find_location(("secrets",), key=True)
        yield _SchemaProblem(
            error_diagnostic("KT132", origin, f"the secret {name} is missing", hint), frozenset({name})
        )
    elif error.validator == "not" and path[:1] == ("secrets",):
        yield _describe_readonly_field(manifest, path, message)
    elif error.instance != "" and not (error.validator == "anyOf" and "type" in error.schema):
        origin = manifest.document.find_location(path)
        message = f"{safe_path(path) or 'the manifest'}: {message}"
        yield _SchemaProblem(error_diagnostic("KT133", origin, message, _format_example(error)))


def _describe_readonly_field(manifest: _CheckedManifest, path: FieldPath, hint: str) -> _SchemaProblem:
    origin = manifest.document.find_location(path, key=True)
    message = f"{safe_path(path)} cannot be set in a manifest"
    return _SchemaProblem(error_diagnostic("KT140", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))


def _describe_alternatives(manifest: _CheckedManifest, rule: Schema) -> Iterator[_SchemaProblem]:
    mismatch = explain_alternatives(_intended_fields(manifest), rule["oneOf"])
    if mismatch is not None:
        block = "secrets" if "secrets" in manifest.document.tree else "config"
        origin = manifest.document.find_location((block,), key=True)
        yield _SchemaProblem(
            error_diagnostic(mismatch.code, origin, mismatch.message, mismatch.hint), mismatch.missing_fields
        )


def _intended_fields(manifest: _CheckedManifest) -> frozenset[str]:
    known = _known_fields(manifest)
    blocks = [manifest.document.tree.get(block) for block in ("config", "secrets")]
    given = [str(key) for block in blocks if isinstance(block, Mapping) for key in block if key != SEAL_FIELD]
    keep = manifest.document.tree.get("keep")
    kept = [str(name).partition(".")[0] for name in keep] if isinstance(keep, list) else []
    return frozenset(
        key if key in known or key.startswith(KEY_PART_PREFIX) else _suggest_name(key, known)[0]
        for key in (*given, *kept)
    ) - {""}


def _known_fields(manifest: _CheckedManifest) -> tuple[str, ...]:
    return (*config_fields(manifest.kind, manifest.type), *secret_fields(manifest.kind, manifest.type))


def _unknown_kind_error(document: Document, kind: str) -> Diagnostic:
    if "kind" not in document.tree:
        hint = "begin the file with `kind: credential` or `kind: connection`"
        return error_diagnostic("KT130", document.find_location(), "the manifest has no kind", hint)
    message = "unknown kind of manifest"
    return error_diagnostic(
        "KT130", document.find_location(("kind",)), message, _suggest_name(kind, tuple(KINDS))[1]
    )


def _describe_extra_fields(
    manifest: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    rule: Schema = error.schema
    known = tuple(rule.get("properties", {}))
    patterns = [compile_pattern(pattern) for pattern in rule.get("patternProperties", {})]
    for key in error.instance:
        if key not in known and not any(pattern.search(key) for pattern in patterns):
            yield _describe_unknown_field(
                manifest, (*path, key), tuple(name for name in known if name != "seal")
            )


def _describe_unknown_field(
    manifest: _CheckedManifest, path: FieldPath, known: tuple[str, ...]
) -> _SchemaProblem:
    key = path[-1]
    origin = manifest.document.find_location(path, key=True)
    if (reason := _find_refusal(manifest, key)) is not None:
        return _describe_readonly_field(manifest, path, reason)
    if (block := _find_block(manifest, path)) is not None and block != path[0]:
        return _describe_misplaced_field(manifest, path, block)
    if manifest.kind == "connection" and is_secret_name(key):
        message = f"{safe_path(path)} has the name of a secret; a connection has no secrets"
        hint = "put it under secrets of a credential, and refer to that credential in `credential:`"
        return _SchemaProblem(
            error_diagnostic("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
        )
    near, hint = _suggest_name(key, known)
    where = (
        f" of type {manifest.type}"
        if len(path) > 1 and load_type_schema(manifest.kind, manifest.type)
        else ""
    )
    message = f"{safe_path(path)} is not a field of a {manifest.kind}{where}"
    diagnostic = error_diagnostic("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
    return _SchemaProblem(diagnostic, explained_fields=frozenset({near} if near else ()))


def _describe_misplaced_field(manifest: _CheckedManifest, path: FieldPath, block: str) -> _SchemaProblem:
    is_secret = block == "secrets"
    code = "KT135" if is_secret else "KT136"
    cause = Cause.POSSIBLE_PLAINTEXT if is_secret else Cause.OTHER
    what = "a secret" if is_secret else "not a secret"
    message = f"{safe_path(path)} is {what} and belongs under {block}"
    origin = manifest.document.find_location(path, key=True)
    diagnostic = error_diagnostic(code, origin, message, _format_move_hint(block, path), cause=cause)
    return _SchemaProblem(diagnostic, explained_fields=frozenset({path[-1]}))


def _find_refusal(manifest: _CheckedManifest, key: str) -> str | None:
    secrets = (
        load_type_schema(manifest.kind, manifest.type)
        .get("properties", {})
        .get("secrets", {})
        .get("properties", {})
    )
    field = secrets.get(key, {})
    return field["errorMessage"] if "not" in field else None


def _find_block(manifest: _CheckedManifest, path: FieldPath) -> str | None:
    key = path[-1]
    if len(path) > 2 or (len(path) == 2 and path[0] not in ("config", "secrets")):  # noqa: PLR2004
        return None
    if key in secret_fields(manifest.kind, manifest.type):
        return "secrets"
    return "config" if key in config_fields(manifest.kind, manifest.type) else None


def _format_move_hint(block: str, path: FieldPath) -> str:
    if block == "secrets":
        return "move it there and encrypt it; rotate the value if it was committed in plain text"
    return "move it there; reviewers can read only plain text" if path[0] == "secrets" else "move it there"


def _describe_missing_fields(
    manifest: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    for name in error.validator_value:
        if name not in error.instance:
            message = f"{safe_path((*path, name))} is missing"
            origin = manifest.document.find_location(path, key=True)
            yield _SchemaProblem(error_diagnostic("KT132", origin, message, f"add {name}"), frozenset({name}))


def _describe_wrong_type(
    manifest: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    expected = error.validator_value
    type_text, hint = TYPE_TEXTS.get(expected if isinstance(expected, str) else "", ("another type", ""))
    if error.instance is None:
        message = f"{safe_path(path)} is null: it has no value"
        hint = f"give it a value ({type_text}), or remove it"
        yield _SchemaProblem(
            error_diagnostic(
                "KT139", manifest.document.find_location(path), message, hint, cause=Cause.EMPTY_VALUE
            )
        )
        return
    hint = error.schema.get("errorMessage", hint)
    if expected == "string" and isinstance(error.instance, Mapping | list):
        hint = "write it as one text; use a block (|) for several lines"
    explained = frozenset(_known_fields(manifest)) if path in (("config",), ("secrets",)) else frozenset()
    diagnostic = error_diagnostic(
        "KT133", manifest.document.find_location(path), f"{safe_path(path)} must be {type_text}", hint
    )
    yield _SchemaProblem(diagnostic, explained_fields=explained)


def _describe_wrong_choice(
    manifest: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    allowed = [error.validator_value] if error.validator == "const" else list(error.validator_value)
    if path[:1] == ("keep",):
        message = f"keep lists a field that is not a secret of type {manifest.type}"
    else:
        message = f"{safe_path(path)} is not an allowed value"
    near, hint = _suggest_name(str(error.instance), tuple(str(each) for each in allowed))
    yield _SchemaProblem(
        error_diagnostic("KT134", manifest.document.find_location(path), message, hint),
        explained_fields=frozenset({near}),
    )


def _describe_empty_value(
    manifest: _CheckedManifest, path: FieldPath, _: _SchemaError
) -> Iterator[_SchemaProblem]:
    message = f"{safe_path(path)} is empty"
    hint = "give it a value, or remove it"
    yield _SchemaProblem(
        error_diagnostic(
            "KT139", manifest.document.find_location(path), message, hint, cause=Cause.EMPTY_VALUE
        )
    )


def _describe_out_of_bounds(
    manifest: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    bound = "at least" if error.validator == "minimum" else "at most"
    message = f"{safe_path(path)} must be {bound} {error.validator_value}"
    yield _SchemaProblem(
        error_diagnostic("KT133", manifest.document.find_location(path), message, _format_example(error))
    )


def _describe_long_text(
    manifest: _CheckedManifest, path: FieldPath, error: _SchemaError
) -> Iterator[_SchemaProblem]:
    message = f"{safe_path(path)} is longer than {error.validator_value} characters"
    yield _SchemaProblem(
        error_diagnostic("KT133", manifest.document.find_location(path), message, "shorten it")
    )


def _describe_duplicate_item(
    manifest: _CheckedManifest, path: FieldPath, _: _SchemaError
) -> Iterator[_SchemaProblem]:
    message = f"{safe_path(path)} has a duplicate item"
    yield _SchemaProblem(
        error_diagnostic("KT133", manifest.document.find_location(path), message, "remove one of the two")
    )


def _suggest_name(name: str, known: tuple[str, ...]) -> tuple[str, str]:
    if near := find_nearest_name(name.lower(), known):
        return near, f"did you mean {near}?"
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
