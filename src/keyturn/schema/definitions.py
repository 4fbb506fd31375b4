"""The JSON Schemas of manifests and their annotations: secret, destination, identity.

Only the files in ``schemas/``, which the wheel contains, classify a field as secret (``writeOnly``),
destination (``x-destination``), identity (``x-identity``) or reference (``x-refers-to``). A field
without a classification of its own counts as a destination, whatever its parent is. So does a text
in another field that does not match the pattern of that field (``x-plain``): drivers read a database
name such as ``x host=evil`` as a connection string.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path as File
from typing import Any, Final, TypeAlias

from keyturn.kinds import KINDS
from keyturn.model.fields import FieldPath, Fields

Schema: TypeAlias = Mapping[str, Any]

SEAL_FIELD = "seal"
"""The key of the seal below ``secrets``; it is never sent to the service."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?\Z")
_DOLLAR: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$")


def find_schema_folder() -> File:
    """Return the folder of the schemas: in the installed package, else in the checkout."""
    installed = File(__file__).parents[1] / "schemas"
    return installed if installed.is_dir() else File(__file__).parents[3] / "schemas"


def read_schema_text(name: str) -> str:
    """Return the text of a schema file."""
    return (find_schema_folder() / f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def load_schema(kind: str) -> Schema:
    """Return the schema of a kind of manifest."""
    return json.loads(read_schema_text(kind))  # type: ignore[no-any-return]


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a schema; ``$`` matches only at the end of the text, as in ECMA 262."""
    return re.compile(_DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern))


@cache
def load_type_schema(kind: str, type: str) -> Schema:  # noqa: A002
    """Return the schema of one type: its ``config``, its ``secrets`` and its alternatives."""
    if kind not in KINDS:
        return {}
    root = load_schema(kind)
    for branch in root["allOf"]:
        condition = branch["if"]["properties"]["type"]
        if "then" in branch and type in (condition.get("const"), *condition.get("enum", ())):
            return _resolve_reference(root, branch["then"])
    return _resolve_reference(root, {"$ref": "#/$defs/other"}) if kind == "connection" else {}


def list_known_types(kind: str) -> tuple[str, ...]:
    """Return the types in the schema of a kind."""
    branches = (branch for branch in load_schema(kind)["allOf"] if "then" in branch)
    conditions = (branch["if"]["properties"]["type"] for branch in branches)
    return tuple(
        name
        for condition in conditions
        for name in (*condition.get("enum", ()), *filter(None, [condition.get("const")]))
    )


def credential_types_of(connector: str) -> tuple[str, ...] | None:
    """Return the credential types that a connector accepts, None for an unknown connector."""
    types: list[str] | None = load_type_schema("connection", connector).get("x-credential-types")
    return None if types is None else tuple(types)


def secret_fields(kind: str, type: str) -> tuple[str, ...]:  # noqa: A002
    """Return the names of the secret fields of a type without the seal, in the order of the schema."""
    fields = load_type_schema(kind, type).get("properties", {}).get("secrets", {}).get("properties", {})
    return tuple(name for name, field in fields.items() if name != SEAL_FIELD and "not" not in field)


def config_fields(kind: str, type: str) -> tuple[str, ...]:  # noqa: A002
    """Return the names of the config fields of a type, in the order of the schema."""
    return tuple(load_type_schema(kind, type).get("properties", {}).get("config", {}).get("properties", {}))


def config_field_types(kind: str, type: str) -> Mapping[FieldPath, Any]:  # noqa: A002
    """Return the JSON type, or types, of the top-level config fields of a type by path below ``config``."""
    root = load_schema(kind)
    fields = load_type_schema(kind, type).get("properties", {}).get("config", {}).get("properties", {})
    return {(name,): _resolve_reference(root, field).get("type") for name, field in fields.items()}


def destination_paths(kind: str, tree: Mapping[str, Any]) -> tuple[FieldPath, ...]:
    """Return the paths of the destination fields of a manifest; each path starts with ``config``."""
    config = tree.get("config")
    if not isinstance(config, Mapping):
        return ()
    leaves = walk_config_leaves(config)
    return tuple(path for path, leaf in leaves if is_destination(kind, str(tree.get("type")), path, leaf))


def is_destination(kind: str, type: str, path: FieldPath, leaf: object = None) -> bool:  # noqa: A002
    """Tell whether a config field of a type determines where its secrets are sent.

    ``leaf`` is the value of the field; without one, the field counts by its name alone.
    """
    return path[0] == "config" and _is_destination(kind, type, path, leaf)


def is_named_field(kind: str, type: str, path: FieldPath) -> bool:  # noqa: A002
    """Tell whether the schema of a type names a field."""
    return _find_field(kind, type, path) is not None


def select_destinations(kind: str, type: str, fields: Fields) -> frozenset[FieldPath]:  # noqa: A002
    """Return the paths of those fields that are destinations."""
    return frozenset(path for path, leaf in fields.items() if is_destination(kind, type, path, leaf))


def select_unexpected_texts(kind: str, type: str, fields: Fields) -> tuple[FieldPath, ...]:  # noqa: A002
    """Return the paths of those fields that are destinations only because of their value."""
    return tuple(
        path
        for path, leaf in fields.items()
        if is_destination(kind, type, path, leaf) and not is_destination(kind, type, path)
    )


def select_sealed_paths(kind: str, type: str, fields: Fields) -> tuple[FieldPath, ...]:  # noqa: A002
    """Return the paths of those fields that the seal covers (destinations and identities), sorted."""
    return tuple(
        sorted(
            path
            for path, leaf in fields.items()
            if _is_destination(kind, type, path, leaf) or _is_identity(kind, type, path)
        )
    )


def reference_target(value: object) -> str | None:
    """Return the target of a reference ``{ref: kind/name}``, None for any other value."""
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
    """Yield the leaves of a config with their paths; a reference is one leaf."""
    for key, value in config.items():
        path = (*prefix, key)
        # Most leaves are text. The check against the abstract class is slow, so it comes second.
        if (
            type(value) is not str
            and isinstance(value, Mapping)
            and value
            and reference_target(value) is None
        ):
            yield from walk_config_leaves(value, path)
        else:
            yield path, value


def parse_secret_path(name: str) -> FieldPath:
    """Return the path of a field in ``keep``, for example ``password`` or ``headers.X-Api-Key``."""
    block, dot, rest = name.partition(".")
    return (block, rest) if dot else (block,)


def _is_destination(kind: str, type: str, path: FieldPath, leaf: object) -> bool:  # noqa: A002
    field = _find_field(kind, type, path)
    return field is None or field.get("x-destination", True) or not _is_plain(kind, field, leaf)


def _is_identity(kind: str, type: str, path: FieldPath) -> bool:  # noqa: A002
    field = _find_field(kind, type, path)
    return field is not None and field.get("x-identity", False)


@lru_cache(maxsize=8192)
def _find_field(kind: str, type: str, path: FieldPath) -> Schema | None:  # noqa: A002
    # None means that the schema of the type does not name the field.
    root = load_schema(kind) if kind in KINDS else {}
    node: Any = load_type_schema(kind, type)
    for key in path:
        node = node.get("properties", {}).get(key)
        if not isinstance(node, Mapping):
            return None
        node = _resolve_reference(root, node)
    return node  # type: ignore[no-any-return]


def _is_plain(kind: str, field: Schema, leaf: object) -> bool:
    match leaf:
        case str():
            return _is_plain_text(kind, field, leaf)
        case list():
            items = field.get("items")
            return items is not None and all(_is_plain(kind, items, each) for each in leaf)
        case Mapping():
            return not leaf or reference_target(leaf) is not None
        case _:
            return True


def _is_plain_text(kind: str, field: Schema, text: str) -> bool:
    if "x-plain" in field:
        return compile_pattern(load_schema(kind)["x-plain-texts"][field["x-plain"]]).match(text) is not None
    if "enum" in field:
        return text in field["enum"]
    # A deployment may return numbers and booleans as text.
    types = field.get("type", ())
    if _NUMBER.match(text):
        return "integer" in types or "number" in types
    return types == "boolean" and text.lower() in {"true", "false"}


def _resolve_reference(root: Schema, node: Schema) -> Schema:
    if (reference := node.get("$ref")) is None:
        return node
    siblings = {key: value for key, value in node.items() if key != "$ref"}
    return {**root["$defs"][reference.removeprefix("#/$defs/")], **siblings}
