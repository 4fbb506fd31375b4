"""Decoder of all known response formats of the API, and encoder of settings into the format in use.

Accepts objects with or without ``data`` and ``attributes``, bare arrays, lists under the name of their
collection, snake_case and camelCase, ``config``, ``params`` and ``parameters``. Any other form is an error,
never an empty result.
"""

import json
from collections.abc import Iterator, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

from keyturn.client.records import DOCUMENTED_ENCODING, ApiRecord, ConfigEncoding, Organization, TestResponse
from keyturn.client.service_text import NO_VALUES, KnownValues, rebuild_text, rebuild_version
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.connection_failure import classify_failure
from keyturn.model.fields import FieldPath
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import is_mask, is_secret_name, is_secret_value, may_be_secret
from keyturn.model.service_url import is_path_segment

JsonObject = Mapping[str, Any]
_KnownFields = dict[str, tuple[str, Any]]
"""Field name to the key of the response and its value."""

SETTINGS_KEYS = ("config", "params", "parameters")
LIST_KEYS = ("data", "items", "results")

_COMMON_STATUSES = frozenset({"", "active", "deleted"})
_NO_FIELD: tuple[str, Any] = ("", None)

_FIELD_ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("id",),
        "name": ("name",),
        "type": ("type",),
        "status": ("status",),
        "created_at": ("created_at", "createdAt"),
        "updated_at": ("updated_at", "updatedAt"),
        "deleted_at": ("deleted_at", "deletedAt"),
        "credential_id": ("credential_id", "credentialId", "credential_ref", "credentialRef"),
        "config": SETTINGS_KEYS,
    }
)
_FIELD_BY_ALIAS = {alias: name for name, aliases in _FIELD_ALIASES.items() for alias in aliases}
_RESOURCE_TYPES = frozenset({"credential", "credentials", "connection", "connections"})


def decode_rows(tree: object, collection: str) -> tuple[tuple[object, ...], JsonObject]:
    """Return the rows of one page of a list and its ``meta``; raises ResponseFormatError.

    A list is a bare array, or an array under ``data``, ``items``, ``results`` or the collection's name.
    """
    meta: JsonObject = {}
    if isinstance(tree, Mapping):
        meta = _read_page_meta(tree)
        tree = _find_list(tree, collection)
        if isinstance(tree, Mapping):
            tree = _find_list(tree, collection)
    if not isinstance(tree, list):
        message = "a list is missing"
        raise ResponseFormatError(message)
    return tuple(tree), meta


def decode_single(tree: object) -> JsonObject:
    """Return the fields of one object without ``data`` and ``attributes``; raises ResponseFormatError."""
    if isinstance(tree, Mapping) and isinstance(tree.get("data"), Mapping) and "id" not in tree:
        tree = tree["data"]
    if not isinstance(tree, Mapping):
        message = "an object is missing"
        raise ResponseFormatError(message)
    attributes = tree.get("attributes")
    return _merge_attributes(tree, attributes) if isinstance(attributes, Mapping) else tree


def decode_record(fields: JsonObject, *, partial: bool = False, pending: bool = False) -> ApiRecord:
    """Decode the fields of one object; raises ResponseFormatError.

    ID and name are required; with ``partial``, only the ID. Unknown fields go to ``extra`` unchanged. Masks
    and values that look like secrets are removed.
    """
    known, others = _split_known_fields(fields)
    key, settings = known.get("config", _NO_FIELD)
    hidden: dict[FieldPath, bool] = {}
    record = ApiRecord(
        id=_parse_id(fields.get("id")),
        name=_read_text(known, "name"),
        type=_read_text(known, "type"),
        status=_read_status(known),
        created_at=_read_time(known, "created_at"),
        updated_at=_read_time(known, "updated_at"),
        deleted_at=_read_time(known, "deleted_at"),
        credential_id=_read_credential_id(known),
        config=_read_settings(settings, hidden),
        extra=MappingProxyType(_strip_secrets(others, (), hidden)),
        hidden=MappingProxyType(hidden),
        config_encoding=ConfigEncoding(key, values_as_text=key == "params") if key else DOCUMENTED_ENCODING,
        pending=pending,
    )
    if not (record.name or partial):
        message = "an object without a name"
        raise ResponseFormatError(message)
    return record


def encode_config(tree: JsonObject, encoding: ConfigEncoding) -> dict[str, Any]:
    """Return a body with its ``config`` in the deployment's encoding.

    With ``values_as_text``, numbers and booleans become text (5432 → "5432", true → "true"), lists and
    mappings become JSON text. Secrets, nulls and values that contain a secret stay unchanged.
    """
    body = dict(tree)
    if "config" in body:
        config = body.pop("config")
        body[encoding.settings_key] = _stringify_config(config) if encoding.values_as_text else config
    return body


def read_either_case(fields: JsonObject, name: str) -> Any:
    """Return the field ``name`` (snake_case), also from its camelCase key; None if it is missing.

    Raises ResponseFormatError if both keys are present and differ.
    """
    head, *tail = name.split("_")
    keys = dict.fromkeys((name, head + "".join(word.capitalize() for word in tail)))
    found = [(key, fields[key]) for key in keys if key in fields]
    return reduce(_require_equal, found)[1] if found else None


def _read_page_meta(tree: JsonObject) -> JsonObject:
    meta = tree.get("meta")
    return meta if isinstance(meta, Mapping) else {key: tree[key] for key in ("total",) if key in tree}


def _find_list(tree: JsonObject, collection: str) -> object:
    found = [key for key in (*LIST_KEYS, collection) if key in tree]
    if len(found) != 1:
        message = "several lists instead of one" if found else "a list is missing"
        raise ResponseFormatError(message)
    return tree[found[0]]


def _merge_attributes(tree: JsonObject, attributes: JsonObject) -> JsonObject:
    outer = {key: value for key, value in tree.items() if key != "attributes"}
    kind = outer.get("type")
    if "type" in attributes or (isinstance(kind, str) and kind in _RESOURCE_TYPES):
        outer.pop("type", None)
    for key in outer.keys() & attributes.keys():
        if outer[key] != attributes[key]:
            message = f"`{key}` differs inside and outside of `attributes`"
            raise ResponseFormatError(message)
    return {**outer, **attributes}


def _split_known_fields(fields: JsonObject) -> tuple[_KnownFields, dict[str, Any]]:
    # A single pass over the fields, because a list may have 10,000 objects.
    known: _KnownFields = {}
    others: dict[str, Any] = {}
    for key, value in fields.items():
        name = _FIELD_BY_ALIAS.get(key)
        if name is None:
            others[key] = value
        elif name == "config" and value is None:
            continue
        elif name in known:
            known[name] = _require_equal(*sorted((known[name], (key, value)), key=_alias_rank))
        else:
            known[name] = (key, value)
    return known, others


def _alias_rank(item: tuple[str, Any]) -> int:
    key, _ = item
    return _FIELD_ALIASES[_FIELD_BY_ALIAS[key]].index(key)


def _require_equal(first: tuple[str, Any], second: tuple[str, Any]) -> tuple[str, Any]:
    if first[1] != second[1]:
        message = f"`{first[0]}` and `{second[0]}` differ"
        raise ResponseFormatError(message)
    return first


def _read_text(known: _KnownFields, name: str) -> str:
    key, value = known.get(name, _NO_FIELD)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    message = f"`{key}` is not text"
    raise ResponseFormatError(message)


def _read_time(known: _KnownFields, name: str) -> str:
    _, value = known.get(name, _NO_FIELD)
    # Unix time is a number. It is shown without an exponent.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if isinstance(value, int) else f"{value:.6f}"
    return _read_text(known, name)


def find_row_text(row: object, key: str) -> str:
    """Return the text or number at ``key`` of a row, in any form of the row; empty if there is none."""
    try:
        value = decode_single(row).get(key)
    except ResponseFormatError:
        value = row.get(key) if isinstance(row, Mapping) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _read_status(known: _KnownFields) -> str:
    status = _read_text(known, "status")
    return status if status in _COMMON_STATUSES else rebuild_text(status) or "unknown"


def _parse_id(value: object) -> str:
    identity = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if is_path_segment(identity):
        return identity
    message = "the ID of an object has other characters than letters, digits, - and _, or more than 200"
    raise ResponseFormatError(message if identity else "an object without an ID")


def _read_credential_id(known: _KnownFields) -> str | None:
    key, value = known.get("credential_id", _NO_FIELD)
    if not key:
        return None
    if value in (None, ""):
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    message = f"`{key}` is not an ID"
    raise ResponseFormatError(message)


def _read_settings(value: object, hidden: dict[FieldPath, bool]) -> JsonObject | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        message = "settings that are not an object"
        raise ResponseFormatError(message)
    return MappingProxyType(_strip_secrets(value, ("config",), hidden))


def _strip_secrets(tree: JsonObject, path: FieldPath, hidden: dict[FieldPath, bool]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in tree.items():
        here = (*path, key)
        if isinstance(value, dict) and not is_secret_name(key):
            kept[key] = _strip_secrets(value, here, hidden)
        elif (
            isinstance(value, list)
            and not is_secret_name(key)
            and any(isinstance(item, dict) for item in value)
        ):
            items = {str(number): item for number, item in enumerate(value)}
            kept[key] = list(_strip_secrets(items, here, hidden).values())
        elif value != "" and _is_masked_or_secret(key, value):
            hidden[here] = not _has_only_masks(value)
        else:
            kept[key] = value
    return kept


def _is_masked_or_secret(key: str, value: object) -> bool:
    if isinstance(value, str):
        return is_secret_name(key) or is_mask(value) or is_secret_value(value)
    return may_be_secret(key, value)


def _has_only_masks(value: object) -> bool:
    return all(is_mask(item) for item in (value if isinstance(value, list) else [value]))


def _stringify_config(config: object) -> object:
    return dict(_stringify_values(config)) if isinstance(config, Mapping) else config


def _stringify_values(config: JsonObject) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, bool):
            yield key, "true" if value else "false"
        elif isinstance(value, int | float):
            yield key, str(value)
        elif isinstance(value, Mapping | list) and not _has_secret(value):
            yield key, json.dumps(value, default=dict, ensure_ascii=False, separators=(",", ":"))
        else:
            yield key, value


def _has_secret(value: object) -> bool:
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return isinstance(value, Secret) or any(map(_has_secret, below))


def decode_test_response(tree: object, known_values: KnownValues = NO_VALUES) -> TestResponse:
    """Decode ``{ok, latencyMs, serverVersion, message}`` or ``{success, message}``.

    ``ok`` is None unless the response has an explicit true or false; None also if the two keys differ.
    ``known_values`` may be shown in the message.
    """
    try:
        fields = decode_single(tree)
    except ResponseFormatError:
        return TestResponse(ok=None)
    message = _read_leniently(fields, "message")
    return TestResponse(
        ok=_read_verdict(fields),
        latency_ms=_read_latency(fields),
        server_version=rebuild_version(_read_leniently(fields, "server_version")),
        message=rebuild_text(message, known_values),
        failure_reason=classify_failure(message if isinstance(message, str) else ""),
    )


def is_explicit_failure(tree: object) -> bool:
    """Return whether a response is the explicit failure of a connection test."""
    return isinstance(tree, Mapping) and decode_test_response(tree).ok is False


def decode_organization(tree: object) -> Organization:
    """Decode ``{id, name, slug, plan}``; raises ResponseFormatError without an ID."""
    fields = decode_single(tree)
    identity = fields.get("id")
    if not isinstance(identity, str) or not is_path_segment(identity):
        message = "an organization without a usable ID"
        raise ResponseFormatError(message)
    return Organization(
        id=identity, **{name: _read_plain_text(fields, name) for name in ("name", "slug", "plan")}
    )


def decode_limits(tree: object) -> Mapping[str, int]:
    """Decode ``{max_connections: 100, …}``, integers only; null means unlimited and is left out."""
    fields = decode_single(tree)
    return MappingProxyType({key: value for key, value in fields.items() if type(value) is int})


def _read_verdict(fields: Mapping[str, Any]) -> bool | None:
    results = {fields[key] for key in ("ok", "success") if isinstance(fields.get(key), bool)}
    return results.pop() if len(results) == 1 else None


def _read_latency(fields: Mapping[str, Any]) -> float | None:
    latency = _read_leniently(fields, "latency_ms")
    is_number = isinstance(latency, int | float) and not isinstance(latency, bool)
    return float(latency) if is_number and latency >= 0 else None


def _read_leniently(fields: Mapping[str, Any], name: str) -> Any:
    try:
        return read_either_case(fields, name)
    except ResponseFormatError:
        return None


def _read_plain_text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
