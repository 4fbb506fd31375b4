"""The schemas of manifests: what is in them, what is secret, what is a destination, what refers to others.

The files in ``schemas/`` are shipped in the wheel and are the one place where a field is said to be
secret (``writeOnly``), a destination (``x-destination``), an identity (``x-identity``) or a reference
(``x-refers-to``). What is not classified counts as a destination.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path as File
from typing import Any, Final, TypeAlias

from keyturn.kinds import KINDS
from keyturn.model.fields import FieldPath, flatten_tree

Schema: TypeAlias = Mapping[str, Any]

SEAL_FIELD = "seal"
"""The key below ``secrets`` that holds the seal, and is never sent."""

_DOLLAR: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$")


def find_schema_folder() -> File:
    """Return where the schemas are: in the package when installed, else in the checkout."""
    here = File(__file__).parents[1] / "schemas"
    return here if here.is_dir() else File(__file__).parents[3] / "schemas"


def read_schema_text(name: str) -> str:
    """Return a schema's file as it stands (``keyturn schema credential``)."""
    return (find_schema_folder() / f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def load_schema(kind: str) -> Schema:
    """Return the schema of a kind of manifest."""
    return json.loads(read_schema_text(kind))  # type: ignore[no-any-return]


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return a schema's pattern compiled; ``$`` matches only at the very end, as in ECMA 262."""
    return re.compile(_DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern))


@cache
def load_type_schema(kind: str, type: str) -> Schema:  # noqa: A002
    """Return what the schema says of one type: of ``config``, ``secrets`` and its alternatives."""
    if kind not in KINDS:
        return {}
    whole = load_schema(kind)
    for branch in whole["allOf"]:
        wanted = branch["if"]["properties"]["type"]
        if "then" in branch and type in (wanted.get("const"), *wanted.get("enum", ())):
            return _resolve_reference(whole, branch["then"])
    return _resolve_reference(whole, {"$ref": "#/$defs/other"}) if kind == "connection" else {}


def list_known_types(kind: str) -> tuple[str, ...]:
    """Return the types that the schema of a kind knows."""
    known = (branch["if"]["properties"]["type"] for branch in load_schema(kind)["allOf"] if "then" in branch)
    return tuple(
        name for each in known for name in (*each.get("enum", ()), *filter(None, [each.get("const")]))
    )


def credential_types_of(connector: str) -> tuple[str, ...] | None:
    """Return the credential types that a connector can use; None where nothing is known of it."""
    said: list[str] | None = load_type_schema("connection", connector).get("x-credential-types")
    return None if said is None else tuple(said)


def secret_fields(kind: str, type: str) -> tuple[str, ...]:  # noqa: A002
    """Return the names of a type's secret fields, the seal apart, in the order of the schema."""
    fields = load_type_schema(kind, type).get("properties", {}).get("secrets", {}).get("properties", {})
    return tuple(name for name, field in fields.items() if name != SEAL_FIELD and "not" not in field)


def config_fields(kind: str, type: str) -> tuple[str, ...]:  # noqa: A002
    """Return the names of a type's plain fields, in the order of the schema."""
    return tuple(load_type_schema(kind, type).get("properties", {}).get("config", {}).get("properties", {}))


def config_field_types(kind: str, type: str) -> Mapping[FieldPath, Any]:  # noqa: A002
    """Return the JSON type, or types, of a type's plain fields at the top of ``config``, by path below it."""
    whole = load_schema(kind)
    fields = load_type_schema(kind, type).get("properties", {}).get("config", {}).get("properties", {})
    return {(name,): _resolve_reference(whole, field).get("type") for name, field in fields.items()}


def secret_paths(kind: str, tree: Mapping[str, Any]) -> tuple[FieldPath, ...]:
    """Return the paths of a manifest's secret fields below ``secrets``, the seal apart."""
    secrets = tree.get("secrets") if kind == "credential" else None
    if not isinstance(secrets, Mapping):
        return ()
    return tuple(path for path in flatten_tree(secrets) if path[0] != SEAL_FIELD)


def destination_paths(kind: str, tree: Mapping[str, Any]) -> tuple[FieldPath, ...]:
    """Return the paths, each beginning with ``config``, of what says where a secret goes."""
    return _annotated_paths(kind, tree, "x-destination")


def is_destination(kind: str, type: str, path: FieldPath) -> bool:  # noqa: A002
    """Tell whether a plain field, present or dropped, says where a secret of this type goes."""
    return path[0] == "config" and _has_annotation(kind, type, path, "x-destination")


def select_destinations(kind: str, type: str, paths: Iterable[FieldPath]) -> frozenset[FieldPath]:  # noqa: A002
    """Return those of ``paths`` that begin with ``config`` and say where a secret goes."""
    return frozenset(
        path for path in paths if path[0] == "config" and _has_annotation(kind, type, path, "x-destination")
    )


def sealed_paths(kind: str, tree: Mapping[str, Any]) -> tuple[FieldPath, ...]:
    """Return the paths of what the seal covers: destinations, and as whom a secret is used."""
    config = tree.get("config")
    found = [path for path, _ in walk_config_leaves(config)] if isinstance(config, Mapping) else []
    return select_sealed_paths(kind, str(tree.get("type")), found)


def select_sealed_paths(kind: str, type: str, paths: Iterable[FieldPath]) -> tuple[FieldPath, ...]:  # noqa: A002
    """Return those of ``paths``, each beginning with ``config``, that the seal covers, sorted."""
    covered = ("x-destination", "x-identity")
    return tuple(
        sorted(path for path in paths if any(_has_annotation(kind, type, path, each) for each in covered))
    )


def reference_paths(kind: str, tree: Mapping[str, Any]) -> tuple[FieldPath, ...]:
    """Return the paths of a manifest's references: ``credential`` and each ``{ref: …}`` in config."""
    config = tree.get("config")
    found = list(_find_references(config, ("config",))) if isinstance(config, Mapping) else []
    own = [("credential",)] if kind == "connection" and isinstance(tree.get("credential"), str) else []
    return (*own, *found)


def reference_target(value: object) -> str | None:
    """Return what ``{ref: kind/name}`` refers to; None for anything else."""
    if (
        type(value) is not str
        and isinstance(value, Mapping)
        and len(value) == 1
        and isinstance(value.get("ref"), str)
    ):
        return value["ref"]  # type: ignore[no-any-return]
    return None


def walk_config_leaves(
    config: Mapping[str, Any], prefix: FieldPath = ("config",)
) -> Iterator[tuple[FieldPath, Any]]:
    """Yield the leaves of a config by path; a reference is one leaf."""
    for key, value in config.items():
        path = (*prefix, key)
        # Most leaves are text, and to ask an abstract class takes longer than all the rest.
        if (
            type(value) is not str
            and isinstance(value, Mapping)
            and value
            and reference_target(value) is None
        ):
            yield from walk_config_leaves(value, path)
        else:
            yield path, value


def secret_path(name: str) -> FieldPath:
    """Return the path of a field named under ``keep``: ``password``, ``headers.X-Api-Key``."""
    block, dot, rest = name.partition(".")
    return (block, rest) if dot else (block,)


def _find_references(config: Mapping[str, Any], prefix: FieldPath) -> Iterator[FieldPath]:
    return (path for path, value in walk_config_leaves(config, prefix) if reference_target(value) is not None)


def _annotated_paths(kind: str, tree: Mapping[str, Any], annotation: str) -> tuple[FieldPath, ...]:
    config = tree.get("config")
    if not isinstance(config, Mapping):
        return ()
    name = str(tree.get("type"))
    return tuple(
        path for path, _ in walk_config_leaves(config) if _has_annotation(kind, name, path, annotation)
    )


@lru_cache(maxsize=8192)
def _has_annotation(kind: str, type: str, path: FieldPath, annotation: str) -> bool:  # noqa: A002
    whole = load_schema(kind) if kind in KINDS else {}
    here: Any = load_type_schema(kind, type).get("properties", {})
    said: bool | None = None
    for key in path:
        here = here.get(key)
        if not isinstance(here, Mapping):
            break
        here = _resolve_reference(whole, here)
        said = here.get(annotation, said)
        here = here.get("properties", {})
    if said is None:
        return annotation == "x-destination"
    return said


def _resolve_reference(whole: Schema, part: Schema) -> Schema:
    if (reference := part.get("$ref")) is None:
        return part
    beside = {key: value for key, value in part.items() if key != "$ref"}
    return {**whole["$defs"][reference.removeprefix("#/$defs/")], **beside}
