"""Manifests against their schemas: jsonschema-rs accepts a manifest, jsonschema words what is wrong with it.

Nearly every manifest is right, and jsonschema is slow to import and to run. Where the two may differ,
jsonschema decides: see ``is_valid_manifest``.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from jsonschema_rs import Draft202012Validator
from msgspec.structs import replace

from keyturn.model.diagnostic import Cause, Diagnostic
from keyturn.model.fields import flatten_tree, format_path
from keyturn.kinds import KINDS
from keyturn.schema.definitions import (
    config_fields,
    destination_paths,
    load_schema,
    load_type_schema,
    reference_paths,
    sealed_paths,
    secret_path,
    secret_paths,
)
from keyturn.model.diagnostic import error_diagnostic, warning_diagnostic
from keyturn.yamldoc.reader import Document

__all__ = [
    "validate_manifest",
    "validate_project",
    "destination_paths",
    "is_valid_manifest",
    "reference_paths",
    "sealed_paths",
    "secret_paths",
]

_SCALARS: Final = frozenset({str, int, bool, type(None)})


def is_valid_manifest(tree: Mapping[str, Any], kind: str) -> bool:
    """Tell whether ``tree`` fits the schema of ``kind``: credential or connection."""
    if is_accepted(tree, compile_schema(kind)):
        return True
    from keyturn.schema.strict_validator import build_validator  # noqa: PLC0415  # jsonschema costs 70 ms to import

    return build_validator(kind).is_valid(tree)


@cache
def compile_schema(kind: str) -> Draft202012Validator:
    """Return the schema of a kind, compiled by jsonschema-rs."""
    return Draft202012Validator(load_schema(kind))  # type: ignore[arg-type]


def is_accepted(tree: Any, validator: Draft202012Validator) -> bool:
    """Tell whether jsonschema-rs accepts ``tree``, and jsonschema is certain to accept it, too.

    False leaves the decision to jsonschema.
    """
    try:
        return _is_plain(tree) and validator.is_valid(tree)
    except UnicodeEncodeError:  # a lone surrogate, which is no UTF-8
        return False


def _is_plain(tree: Any) -> bool:
    # jsonschema-rs takes 5432.0 for an integer and a tuple for a list, and refuses objects of other classes.
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
    """Return what is wrong with a manifest, by its schema: KT130 to KT140, each with its place.

    A secret-looking key in a connection's config is left to the rule KT370, which can be waived.
    A field that a connection names under ``undocumented`` is taken as it is.
    """
    known = (
        replace(document, tree=_drop_undocumented(document.tree))
        if "undocumented" in document.tree
        else document
    )
    misspelt = (*_find_misspelled_fields(known, kind), *_find_given_and_kept(known))
    if kind in KINDS and is_accepted(known.tree, compile_schema(kind)):
        return misspelt
    from keyturn.schema.messages import schema_diagnostics  # noqa: PLC0415  # jsonschema costs 70 ms to import

    return (*misspelt, *schema_diagnostics(known, kind))


def validate_project(document: Document) -> tuple[Diagnostic, ...]:
    """Return the errors of shape in keyturn.yaml: KT002, KT003 and KT006, each with its location."""
    if is_accepted(document.tree, compile_schema("project")):
        return ()
    from keyturn.schema.project_messages import project_diagnostics  # noqa: PLC0415  # jsonschema costs 70 ms to import

    return project_diagnostics(document)


def _drop_undocumented(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    named, config = tree["undocumented"], tree.get("config")
    if not isinstance(named, list) or not isinstance(config, Mapping):
        return tree
    return {**tree, "config": {key: value for key, value in config.items() if key not in named}}


def _find_given_and_kept(document: Document) -> Iterator[Diagnostic]:
    keep, secrets = document.tree.get("keep"), document.tree.get("secrets")
    if isinstance(keep, list) and isinstance(secrets, Mapping):
        for at, name in enumerate(keep):
            if str(name).partition(".")[0] in secrets and secret_path(str(name)) in flatten_tree(secrets):
                message = f"the secret {name} is under both secrets and keep; the value under secrets is used"
                hint = "remove it from keep"
                yield warning_diagnostic("KT144", document.find_location(("keep", str(at))), message, hint)


def _find_misspelled_fields(document: Document, kind: str) -> Iterator[Diagnostic]:
    if kind != "connection":
        return
    type_, config = str(document.tree.get("type")), document.tree.get("config")
    if not isinstance(config, Mapping) or not load_type_schema(kind, type_).get("x-open"):
        return
    known = config_fields(kind, type_)
    for key in config:
        if key not in known and (near := get_close_matches(key, known, n=1, cutoff=0.8)):
            path = ("config", key)
            message = f"{format_path(path)} is not a known field of a {kind} of type {type_}"
            hint = f"did you mean {near[0]}? If the name is correct, list it under undocumented"
            origin = document.find_location(path, key=True)
            yield error_diagnostic("KT131", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
