"""One tolerant decoder for every known form of the API, and one way back into the form that was seen.

Reads: ``data`` wrapped or not, ``attributes`` merged up, bare arrays, lists under their own name,
snake_case and camelCase, ``config``, ``params`` and ``parameters``. What fits none of these is an
error: never "nothing there".
"""

import json
from collections.abc import Iterator, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

from keyturn.api.records import DOCUMENTED, Record, Spelling
from keyturn.api.strict import Puzzling
from keyturn.core.fields import Path
from keyturn.core.looks import masked, secret_key, secret_value, suspicious
from keyturn.core.secret import Secret

Tree = Mapping[str, Any]
_Told = dict[str, tuple[str, Any]]
"""What an object says of itself by our name for it: the key under which that stands, and its value."""
_NOTHING: tuple[str, Any] = ("", None)

SETTINGS = ("config", "params", "parameters")
LISTS = ("data", "items", "results")

_ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("id",),
        "name": ("name",),
        "type": ("type",),
        "status": ("status",),
        "created_at": ("created_at", "createdAt"),
        "updated_at": ("updated_at", "updatedAt"),
        "deleted_at": ("deleted_at", "deletedAt"),
        "credential_id": ("credential_id", "credentialId", "credential_ref", "credentialRef"),
        "config": SETTINGS,
    }
)
_MEANT = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
_RESOURCES = frozenset({"credential", "credentials", "connection", "connections"})


def rows(tree: object, collection: str) -> tuple[tuple[Tree, ...], Tree]:
    """Return the objects of one page of a list and the page's ``meta``; raises Puzzling.

    A list is a bare array, or an array under ``data``, ``items``, ``results`` or the collection's name.
    """
    meta: Tree = {}
    if isinstance(tree, Mapping):
        meta = _meta(tree)
        tree = _listed(tree, collection)
        if isinstance(tree, Mapping):
            tree = _listed(tree, collection)
    if not isinstance(tree, list):
        message = "no list where a list belongs"
        raise Puzzling(message)
    return tuple(single(row) for row in tree), meta


def single(tree: object) -> Tree:
    """Return the fields of one object, unwrapped from ``data`` and ``attributes``; raises Puzzling."""
    if isinstance(tree, Mapping) and isinstance(tree.get("data"), Mapping) and "id" not in tree:
        tree = tree["data"]
    if not isinstance(tree, Mapping):
        message = "no object where an object belongs"
        raise Puzzling(message)
    attributes = tree.get("attributes")
    return _merged(tree, attributes) if isinstance(attributes, Mapping) else tree


def record(fields: Tree, *, partial: bool = False, pending: bool = False) -> Record:
    """Decode the fields of one object; raises Puzzling.

    Id and name are required, the name not with ``partial``. Fields that are not known are kept in
    ``extra`` as they are. Masked values and what looks like a secret are taken out of the settings.
    """
    told, others = _told(fields)
    key, settings = told.get("config", _NOTHING)
    hidden: dict[Path, bool] = {}
    found = Record(
        id=_identity(fields.get("id")),
        name=_text(told, "name"),
        type=_text(told, "type"),
        status=_text(told, "status"),
        created_at=_text(told, "created_at"),
        updated_at=_text(told, "updated_at"),
        deleted_at=_text(told, "deleted_at"),
        credential_id=_credential(told),
        config=_settings(settings, hidden),
        extra=MappingProxyType(_shown(others, (), hidden)),
        hidden=MappingProxyType(hidden),
        spelling=Spelling(key, text=key == "params") if key else DOCUMENTED,
        pending=pending,
    )
    if not (found.name or partial):
        message = "an object without a name"
        raise Puzzling(message)
    return found


def spelled(tree: Tree, spelling: Spelling) -> dict[str, Any]:
    """Return a body with its ``config`` written as the deployment writes settings.

    Where settings are text, numbers and booleans become text (5432 → "5432", true → "true"), and so
    do lists and mappings, as JSON. Secrets, nulls, and what holds a secret stay as they are.
    """
    body = dict(tree)
    if "config" in body:
        config = body.pop("config")
        body[spelling.settings] = _worded(config) if spelling.text else config
    return body


def either(fields: Tree, name: str) -> Any:
    """Return the field ``name`` (snake_case) in whichever spelling it stands, None where it does not.

    Raises Puzzling where both spellings stand and differ.
    """
    head, *tail = name.split("_")
    spellings = dict.fromkeys((name, head + "".join(word.capitalize() for word in tail)))
    found = [(each, fields[each]) for each in spellings if each in fields]
    return reduce(_agreed, found)[1] if found else None


def _meta(tree: Tree) -> Tree:
    meta = tree.get("meta")
    return meta if isinstance(meta, Mapping) else {key: tree[key] for key in ("total",) if key in tree}


def _listed(tree: Tree, collection: str) -> object:
    found = [key for key in (*LISTS, collection) if key in tree]
    if len(found) != 1:
        message = "several lists where one belongs" if found else "no list where a list belongs"
        raise Puzzling(message)
    return tree[found[0]]


def _merged(tree: Tree, attributes: Tree) -> Tree:
    outer = {key: value for key, value in tree.items() if key != "attributes"}
    kind = outer.get("type")
    if "type" in attributes or (isinstance(kind, str) and kind in _RESOURCES):
        outer.pop("type", None)
    for key in outer.keys() & attributes.keys():
        if outer[key] != attributes[key]:
            message = f"`{key}` stands inside and outside of `attributes`, and differs"
            raise Puzzling(message)
    return {**outer, **attributes}


def _told(fields: Tree) -> tuple[_Told, dict[str, Any]]:
    # One walk over the fields of each of ten thousand objects, and not one for each name.
    told: _Told = {}
    others: dict[str, Any] = {}
    for key, value in fields.items():
        name = _MEANT.get(key)
        if name is None:
            others[key] = value
        elif name == "config" and value is None:
            continue
        elif name in told:
            told[name] = _agreed(*sorted((told[name], (key, value)), key=_rank))
        else:
            told[name] = (key, value)
    return told, others


def _rank(said: tuple[str, Any]) -> int:
    return _ALIASES[_MEANT[said[0]]].index(said[0])


def _agreed(one: tuple[str, Any], other: tuple[str, Any]) -> tuple[str, Any]:
    if one[1] != other[1]:
        message = f"`{one[0]}` and `{other[0]}` stand side by side, and differ"
        raise Puzzling(message)
    return one


def _text(told: _Told, name: str) -> str:
    key, value = told.get(name, _NOTHING)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    message = f"`{key}` is no text"
    raise Puzzling(message)


def _identity(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value:
        return value
    message = "an object without an id"
    raise Puzzling(message)


def _credential(told: _Told) -> str | None:
    key, value = told.get("credential_id", _NOTHING)
    if not key:
        return None
    return "" if value in (None, "") else _identity(value)


def _settings(value: object, hidden: dict[Path, bool]) -> Tree | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        message = "settings that are no object"
        raise Puzzling(message)
    return MappingProxyType(_shown(value, ("config",), hidden))


def _shown(tree: Tree, path: Path, hidden: dict[Path, bool]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in tree.items():
        here = (*path, key)
        if isinstance(value, dict) and not secret_key(key):
            kept[key] = _shown(value, here, hidden)
        elif (
            isinstance(value, list) and not secret_key(key) and any(isinstance(item, dict) for item in value)
        ):
            items = {str(number): item for number, item in enumerate(value)}
            kept[key] = list(_shown(items, here, hidden).values())
        elif value != "" and _suspicious(key, value):
            hidden[here] = not _only_masks(value)
        else:
            kept[key] = value
    return kept


def _suspicious(key: str, value: object) -> bool:
    if isinstance(value, str):
        return secret_key(key) or masked(value) or secret_value(value)
    return suspicious(key, value)


def _only_masks(value: object) -> bool:
    return all(masked(item) for item in (value if isinstance(value, list) else [value]))


def _worded(config: object) -> object:
    return dict(_words(config)) if isinstance(config, Mapping) else config


def _words(config: Tree) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, bool):
            yield key, "true" if value else "false"
        elif isinstance(value, int | float):
            yield key, str(value)
        elif isinstance(value, Mapping | list) and not _secret_within(value):
            yield key, json.dumps(value, default=dict, ensure_ascii=False, separators=(",", ":"))
        else:
            yield key, value


def _secret_within(value: object) -> bool:
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return isinstance(value, Secret) or any(map(_secret_within, below))
