"""A plan as JSON and back: a closed set of frozen values, and no secret among them.

Each value is an object with its class under ``is``; a mapping with paths for keys is a list of
pairs, so that nothing depends on how a key is spelled.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec.structs import fields, replace

from keyturn.core.address import Address, SourceLocation
from keyturn.core.change import Action, Change, Exposure, FieldChange, SecretChange, SecretStatus
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.plan import Impact, Plan
from keyturn.core.resource import EMPTY, DesiredResource, StateEntry, Lifecycle, LiveObject, EncryptedSecret
from keyturn.core.secret import Secret

_PLAN_CLASSES: Mapping[str, type[Any]] = {
    each.__name__: each
    for each in (
        Address, Change, DesiredResource, Diagnostic, Exposure, FieldChange, Impact, StateEntry, Lifecycle, LiveObject, SourceLocation,
        Plan, EncryptedSecret, SecretChange,
    )
}  # fmt: skip
_PLAN_ENUMS: Mapping[str, type[Enum]] = {each.__name__: each for each in (Action, Cause, SecretStatus, Severity)}


def to_plan_json(value: Any) -> Any:  # noqa: PLR0911  # one return for each form
    """Return a plan, or any part of one, as JSON values; secrets and fingerprints stay behind."""
    if isinstance(value, Secret):
        return to_plan_json(EncryptedSecret(""))
    if isinstance(value, StateEntry):
        value = replace(value, fingerprints=EMPTY, earlier=())
    if type(value).__name__ in _PLAN_CLASSES:
        return {"is": type(value).__name__} | {
            each.name: to_plan_json(getattr(value, each.name)) for each in fields(value)
        }
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "value": value.value}
    if isinstance(value, Mapping):
        return {"is": "mapping", "items": [[to_plan_json(key), to_plan_json(item)] for key, item in value.items()]}
    if isinstance(value, frozenset):
        return {"is": "set", "items": [to_plan_json(item) for item in sorted(value)]}
    if isinstance(value, tuple):
        return {"is": "tuple", "items": [to_plan_json(item) for item in value]}
    if isinstance(value, list):
        return [to_plan_json(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    message = f"a plan holds no {type(value).__name__}"
    raise TypeError(message)


def from_plan_json(tree: Any) -> Any:  # noqa: PLR0911  # the same
    """Return what ``pack`` was given; raises KeyError, TypeError or ValueError for anything else."""
    if isinstance(tree, list):
        return [from_plan_json(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    name = tree["is"]
    if name == "mapping":
        return {from_plan_json(key): from_plan_json(item) for key, item in tree["items"]}
    if name == "set":
        return frozenset(from_plan_json(item) for item in tree["items"])
    if name == "tuple":
        return tuple(from_plan_json(item) for item in tree["items"])
    if name in _PLAN_ENUMS:
        return _PLAN_ENUMS[name](tree["value"])
    return _PLAN_CLASSES[name](**{key: from_plan_json(item) for key, item in tree.items() if key != "is"})
