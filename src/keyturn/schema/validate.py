"""Validation of manifests by their JSON Schemas: jsonschema-rs accepts, jsonschema explains errors.

Most manifests are valid, and jsonschema is slow to import and to run. If the two may differ, the
verdict of jsonschema is binding, see ``is_valid_manifest``.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from jsonschema_rs import Draft202012Validator
from msgspec.structs import replace

from keyturn.kinds import KINDS
from keyturn.model.diagnostic import (
    Cause,
    Diagnostic,
    error_diagnostic,
    find_nearest_name,
    warning_diagnostic,
)
from keyturn.model.fields import flatten_tree, mask_path
from keyturn.schema.definitions import (
    config_fields,
    load_schema,
    load_type_schema,
    parse_secret_path,
)
from keyturn.yamldoc.reader import Document

_SCALARS: Final = frozenset({str, int, bool, type(None)})


def is_valid_manifest(tree: Mapping[str, Any], kind: str) -> bool:
    """Tell whether ``tree`` is valid by the schema of ``kind``: credential or connection."""
    if is_accepted(tree, compile_schema(kind)):
        return True
    from keyturn.schema.strict_validator import build_validator  # noqa: PLC0415  # jsonschema costs 70 ms to import

    return build_validator(kind).is_valid(tree)


@cache
def compile_schema(kind: str) -> Draft202012Validator:
    """Compile the schema of a kind with jsonschema-rs."""
    return Draft202012Validator(load_schema(kind))  # type: ignore[arg-type]


def is_accepted(tree: Any, validator: Draft202012Validator) -> bool:
    """Tell whether jsonschema-rs accepts ``tree`` and jsonschema certainly accepts it, too.

    If false, only jsonschema can decide.
    """
    try:
        return _is_plain(tree) and validator.is_valid(tree)
    except UnicodeEncodeError:  # A lone surrogate is not valid UTF-8.
        return False


def _is_plain(tree: Any) -> bool:
    # jsonschema-rs accepts 5432.0 as an integer and a tuple as a list, and rejects objects of other classes.
    pending = [tree]
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind is dict:
            if not all(type(key) is str for key in value):
                return False
            pending.extend(value.values())
        elif kind is list:
            pending.extend(value)
        elif kind not in _SCALARS and not (kind is float and not value.is_integer()):
            return False
    return True


def validate_manifest(document: Document, kind: str) -> tuple[Diagnostic, ...]:
    """Return the schema errors of a manifest with their locations: KT130 to KT140, and KT144.

    In an open connector, the rule KT370 reports keys that look secret, because it can be waived.
    Fields that a connection lists under ``undocumented`` are not checked.
    """
    if "undocumented" in document.tree:
        document = replace(document, tree=_drop_undocumented(document.tree))
    diagnostics = (*_find_misspelled_fields(document, kind), *_find_given_and_kept(document))
    if kind in KINDS and is_accepted(document.tree, compile_schema(kind)):
        return diagnostics
    from keyturn.schema.messages import find_schema_errors  # noqa: PLC0415  # jsonschema costs 70 ms to import

    return (*diagnostics, *find_schema_errors(document, kind))


def validate_project_file(document: Document) -> tuple[Diagnostic, ...]:
    """Return the errors of shape in keyturn.yaml: KT002, KT003 and KT006, each with its location."""
    if is_accepted(document.tree, compile_schema("project")):
        return ()
    from keyturn.schema.project_messages import describe_project_errors  # noqa: PLC0415  # jsonschema costs 70 ms to import

    return describe_project_errors(document)


def _drop_undocumented(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    undocumented, config = tree["undocumented"], tree.get("config")
    if not isinstance(undocumented, list) or not isinstance(config, Mapping):
        return tree
    return {**tree, "config": {key: value for key, value in config.items() if key not in undocumented}}


def _find_given_and_kept(document: Document) -> Iterator[Diagnostic]:
    keep, secrets = document.tree.get("keep"), document.tree.get("secrets")
    if isinstance(keep, list) and isinstance(secrets, Mapping):
        for index, name in enumerate(keep):
            path = parse_secret_path(str(name))
            if path[0] in secrets and path in flatten_tree(secrets):
                message = f"the secret {mask_path(path)} is under both secrets and keep"
                hint = "remove it from keep: the value under secrets is used"
                yield warning_diagnostic("KT144", document.find_location(("keep", str(index))), message, hint)


def _find_misspelled_fields(document: Document, kind: str) -> Iterator[Diagnostic]:
    if kind != "connection":
        return
    type_, config = str(document.tree.get("type")), document.tree.get("config")
    if not isinstance(config, Mapping) or not load_type_schema(kind, type_).get("x-open"):
        return
    known = config_fields(kind, type_)
    for key in config:
        if key not in known and (near := find_nearest_name(key, known, 0.8)):
            path = ("config", key)
            message = f"{mask_path(path)} is not a known field of a {kind} of type {type_}"
            hint = f"did you mean {near}? If the name is correct, list it under undocumented"
            origin = document.find_location(path, key=True)
            yield error_diagnostic("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
