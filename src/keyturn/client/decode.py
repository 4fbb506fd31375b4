"""One tolerant decoder for every known form of the API, and one way back into the form that was seen.

Reads: ``data`` wrapped or not, ``attributes`` merged up, bare arrays, lists under their own name,
snake_case and camelCase, ``config``, ``params`` and ``parameters``. What fits none of these is an
error: never "nothing there".
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

from keyturn.client.records import DOCUMENTED_ENCODING, ApiRecord, ConfigEncoding, Organization, TestResponse
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.fields import FieldPath
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import is_mask, is_secret_name, is_secret_value, may_be_secret

JsonObject = Mapping[str, Any]
_KnownFields = dict[str, tuple[str, Any]]
"""What an object says of itself by our name for it: the key under which that stands, and its value."""
_NO_FIELD: tuple[str, Any] = ("", None)

SETTINGS_KEYS = ("config", "params", "parameters")
LIST_KEYS = ("data", "items", "results")

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


def decode_rows(tree: object, collection: str) -> tuple[tuple[JsonObject, ...], JsonObject]:
    """Return the objects of one page of a list and the page's ``meta``; raises Puzzling.

    A list is a bare array, or an array under ``data``, ``items``, ``results`` or the collection's name.
    """
    meta: JsonObject = {}
    if isinstance(tree, Mapping):
        meta = _read_page_meta(tree)
        tree = _find_list(tree, collection)
        if isinstance(tree, Mapping):
            tree = _find_list(tree, collection)
    if not isinstance(tree, list):
        message = "no list where a list belongs"
        raise ResponseFormatError(message)
    return tuple(decode_single(row) for row in tree), meta


def decode_single(tree: object) -> JsonObject:
    """Return the fields of one object, unwrapped from ``data`` and ``attributes``; raises Puzzling."""
    if isinstance(tree, Mapping) and isinstance(tree.get("data"), Mapping) and "id" not in tree:
        tree = tree["data"]
    if not isinstance(tree, Mapping):
        message = "no object where an object belongs"
        raise ResponseFormatError(message)
    attributes = tree.get("attributes")
    return _merge_attributes(tree, attributes) if isinstance(attributes, Mapping) else tree


def decode_record(fields: JsonObject, *, partial: bool = False, pending: bool = False) -> ApiRecord:
    """Decode the fields of one object; raises Puzzling.

    Id and name are required, the name not with ``partial``. Fields that are not known are kept in
    ``extra`` as they are. Masked values and what looks like a secret are taken out of the settings.
    """
    told, others = _split_known_fields(fields)
    key, settings = told.get("config", _NO_FIELD)
    hidden: dict[FieldPath, bool] = {}
    found = ApiRecord(
        id=_parse_id(fields.get("id")),
        name=_read_text(told, "name"),
        type=_read_text(told, "type"),
        status=_read_text(told, "status"),
        created_at=_read_text(told, "created_at"),
        updated_at=_read_text(told, "updated_at"),
        deleted_at=_read_text(told, "deleted_at"),
        credential_id=_read_credential_id(told),
        config=_read_settings(settings, hidden),
        extra=MappingProxyType(_strip_secrets(others, (), hidden)),
        hidden=MappingProxyType(hidden),
        config_encoding=ConfigEncoding(key, values_as_text=key == "params") if key else DOCUMENTED_ENCODING,
        pending=pending,
    )
    if not (found.name or partial):
        message = "an object without a name"
        raise ResponseFormatError(message)
    return found


def encode_config(tree: JsonObject, encoding: ConfigEncoding) -> dict[str, Any]:
    """Return a body with its ``config`` written as the deployment writes settings.

    Where settings are text, numbers and booleans become text (5432 → "5432", true → "true"), and so
    do lists and mappings, as JSON. Secrets, nulls, and what holds a secret stay as they are.
    """
    body = dict(tree)
    if "config" in body:
        config = body.pop("config")
        body[encoding.settings_key] = _stringify_config(config) if encoding.values_as_text else config
    return body


def read_either_case(fields: JsonObject, name: str) -> Any:
    """Return the field ``name`` (snake_case) in whichever spelling it stands, None where it does not.

    Raises Puzzling where both spellings stand and differ.
    """
    head, *tail = name.split("_")
    spellings = dict.fromkeys((name, head + "".join(word.capitalize() for word in tail)))
    found = [(each, fields[each]) for each in spellings if each in fields]
    return reduce(_require_equal, found)[1] if found else None


def _read_page_meta(tree: JsonObject) -> JsonObject:
    meta = tree.get("meta")
    return meta if isinstance(meta, Mapping) else {key: tree[key] for key in ("total",) if key in tree}


def _find_list(tree: JsonObject, collection: str) -> object:
    found = [key for key in (*LIST_KEYS, collection) if key in tree]
    if len(found) != 1:
        message = "several lists where one belongs" if found else "no list where a list belongs"
        raise ResponseFormatError(message)
    return tree[found[0]]


def _merge_attributes(tree: JsonObject, attributes: JsonObject) -> JsonObject:
    outer = {key: value for key, value in tree.items() if key != "attributes"}
    kind = outer.get("type")
    if "type" in attributes or (isinstance(kind, str) and kind in _RESOURCE_TYPES):
        outer.pop("type", None)
    for key in outer.keys() & attributes.keys():
        if outer[key] != attributes[key]:
            message = f"`{key}` stands inside and outside of `attributes`, and differs"
            raise ResponseFormatError(message)
    return {**outer, **attributes}


def _split_known_fields(fields: JsonObject) -> tuple[_KnownFields, dict[str, Any]]:
    # One walk over the fields of each of ten thousand objects, and not one for each name.
    told: _KnownFields = {}
    others: dict[str, Any] = {}
    for key, value in fields.items():
        name = _FIELD_BY_ALIAS.get(key)
        if name is None:
            others[key] = value
        elif name == "config" and value is None:
            continue
        elif name in told:
            told[name] = _require_equal(*sorted((told[name], (key, value)), key=_alias_rank))
        else:
            told[name] = (key, value)
    return told, others


def _alias_rank(said: tuple[str, Any]) -> int:
    return _FIELD_ALIASES[_FIELD_BY_ALIAS[said[0]]].index(said[0])


def _require_equal(one: tuple[str, Any], other: tuple[str, Any]) -> tuple[str, Any]:
    if one[1] != other[1]:
        message = f"`{one[0]}` and `{other[0]}` stand side by side, and differ"
        raise ResponseFormatError(message)
    return one


def _read_text(told: _KnownFields, name: str) -> str:
    key, value = told.get(name, _NO_FIELD)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    message = f"`{key}` is no text"
    raise ResponseFormatError(message)


def _parse_id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value:
        return value
    message = "an object without an id"
    raise ResponseFormatError(message)


def _read_credential_id(told: _KnownFields) -> str | None:
    key, value = told.get("credential_id", _NO_FIELD)
    if not key:
        return None
    return "" if value in (None, "") else _parse_id(value)


def _read_settings(value: object, hidden: dict[FieldPath, bool]) -> JsonObject | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        message = "settings that are no object"
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


MAX_MESSAGE_LENGTH = 200

_VERSION_PATTERN = re.compile(r"[\w .,+()/:-]{1,80}")


def decode_test_response(tree: object, redact: Callable[[str], str] = str) -> TestResponse:
    """Decode ``{ok, latencyMs, serverVersion, message}`` or ``{success, message}``.

    Anything but an explicit true or false is None, two that differ among them. ``hide`` takes
    out of a text the secrets that could be repeated in it.
    """
    try:
        fields = decode_single(tree)
    except ResponseFormatError:
        return TestResponse(ok=None)
    version = _read_safe_text(fields, "server_version", redact)
    return TestResponse(
        ok=_read_verdict(fields),
        latency_ms=_read_latency(fields),
        server_version=version if _VERSION_PATTERN.fullmatch(version) else "",
        message=_read_safe_text(fields, "message", redact),
    )


def is_explicit_failure(tree: object) -> bool:
    """Tell whether an answer is a connection test's explicit no."""
    return isinstance(tree, Mapping) and decode_test_response(tree).ok is False


def decode_organization(tree: object) -> Organization:
    """Decode ``{id, name, slug, plan}``; raises Puzzling without an id."""
    fields = decode_single(tree)
    identity = fields.get("id")
    if not isinstance(identity, str) or not identity:
        message = "an organization without an id"
        raise ResponseFormatError(message)
    return Organization(
        id=identity, **{name: _read_plain_text(fields, name) for name in ("name", "slug", "plan")}
    )


def decode_limits(tree: object) -> Mapping[str, int]:
    """Decode ``{max_connections: 100, …}``: what is a whole number; a limit that is null is none."""
    fields = decode_single(tree)
    return MappingProxyType({key: value for key, value in fields.items() if type(value) is int})


def _read_verdict(fields: Mapping[str, Any]) -> bool | None:
    said = {fields[key] for key in ("ok", "success") if isinstance(fields.get(key), bool)}
    return said.pop() if len(said) == 1 else None


def _read_latency(fields: Mapping[str, Any]) -> float | None:
    latency = _read_leniently(fields, "latency_ms")
    plain = isinstance(latency, int | float) and not isinstance(latency, bool)
    return float(latency) if plain and latency >= 0 else None


def _read_safe_text(fields: Mapping[str, Any], name: str, redact: Callable[[str], str]) -> str:
    text = _read_leniently(fields, name)
    if not isinstance(text, str):
        return ""
    shown = "".join(
        " " if letter in "\r\n\t" else letter
        for letter in redact(text)
        if letter in "\r\n\t" or _is_printable(letter)
    )
    return shown if len(shown) <= MAX_MESSAGE_LENGTH else shown[: MAX_MESSAGE_LENGTH - 1] + "…"


def _is_printable(letter: str) -> bool:
    return unicodedata.category(letter)[0] != "C" and letter not in "\u2028\u2029"


def _read_leniently(fields: Mapping[str, Any], name: str) -> Any:
    try:
        return read_either_case(fields, name)
    except ResponseFormatError:
        return None


def _read_plain_text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
