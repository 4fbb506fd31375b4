"""Settings as text become what their schema says they are: some deployments answer everything as text."""

from typing import Any

from keyturn.core.fields import Fields, Leaf
from keyturn.load.definitions import config_types

_SWITCHES = {"true": True, "false": False}


def retyped(kind: str, type: str, fields: Fields) -> Fields:  # noqa: A002
    """Return fields of a resource with text as numbers and booleans, where its schema means them.

    Only what the schema calls a number or a boolean and what reads as one is changed.
    """
    types = config_types(kind, type)
    return {path: _typed(leaf, types.get(path[1:])) for path, leaf in fields.items()}


def _typed(leaf: Leaf, wanted: Any) -> Leaf:
    if not isinstance(leaf, str) or not leaf.isascii():
        return leaf
    allowed = {wanted} if isinstance(wanted, str) else set(wanted or ())
    if "string" in allowed:
        return leaf
    if allowed & {"integer", "number"} and leaf.removeprefix("-").isdigit():
        return int(leaf)
    return _SWITCHES.get(leaf, leaf) if "boolean" in allowed else leaf
