"""What some servers do to plain settings before they keep them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

_DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "postgres": {"port": 5432, "sslMode": "prefer", "schema": "public"},
        "mysql": {"port": 3306, "sslMode": "prefer"},
        "snowflake": {"schema": "PUBLIC"},
        "s3": {"pathStyle": False},
        "database": {"connect_timeout": 10},
        "aws": {"region": "us-east-1"},
    }
)
"""By type of connection or credential: settings that a server fills in by itself."""

_CASELESS = frozenset({"host", "account", "bucket", "region", "endpoint", "sslMode", "engine"})


def normalised(kind: str, config: Mapping[str, Any], ways: tuple[str, ...]) -> dict[str, Any]:
    """Return plain settings as a server keeps them that trims, lowers, fills in, sorts or reads numbers."""
    tree = dict(config)
    if "defaults" in ways:
        tree = {**_DEFAULTS.get(kind, {}), **tree}
    if "lower" in ways:
        tree = {
            name: value.lower() if name in _CASELESS and isinstance(value, str) else value
            for name, value in tree.items()
        }
    for way in ways:
        change = _LEAVES.get(way)
        if change is not None:
            tree = {name: _everywhere(value, change) for name, value in tree.items()}
    return dict(sorted(tree.items())) if "order" in ways else tree


def _everywhere(tree: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(tree, Mapping):
        return {name: _everywhere(value, change) for name, value in tree.items()}
    if isinstance(tree, list):
        return change([_everywhere(item, change) for item in tree])
    return change(tree)


def _trim(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _number(value: Any) -> Any:
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and str(int(value[:18])) == value
    return int(value) if digits else value


def _sort(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value


_LEAVES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"trim": _trim, "numbers": _number, "order": _sort}
)
