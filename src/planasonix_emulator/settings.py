"""Settings: how the emulated deployment behaves where the vendor's documentation leaves it open."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

CHOICES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "dialect": ("docs", "backend", "jsonapi"),
        "precision": ("seconds", "milliseconds", "microseconds"),
        "paging_trouble": ("", "lost", "loop", "repeat", "expired", "endless", "empty"),
        "duplicate_status": (400, 409),
        "deleted_get": (200, 404),
        "hidden_get": (200, 403, 404),
        "credential_put": ("merge", "replace", "wipe", "whole", "ignore"),
        "connection_put": ("replace", "merge", "whole", "ignore"),
        "reply_secrets": ("omit", "null", "mask", "leak"),
        "create_status": (200, 201, 202),
        "update_status": (200, 202, 204),
        "delete_status": (200, 202, 204),
        "retry_after": ("seconds", "date", "none", "zero", "huge", "garbage", "negative"),
        "test_failure_status": (200, 400, 422, 502),
        "test_reply": ("full", "verdictless"),
        "unknown_target": ("ok", "fail", "network"),
        "real_postgres": ("loopback", "always", "never"),
        "backend_link": ("echo", "accept", "ignore"),
    }
)
"""The allowed values of each setting that has a fixed set of values."""

NORMALISATIONS = ("trim", "lower", "defaults", "order", "numbers")
"""The changes that the emulator can make to plain values before it stores them."""

SECOND = 1_000_000
"""One second in microseconds, the unit of all stored times."""


class SettingsError(ValueError):
    """An option does not exist or has an invalid value; the message names both."""

    def __init__(self, *, of: str, issue: str) -> None:
        super().__init__(f"{of}: {issue}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """All settings; the defaults are the documented behaviour, or else the most likely one.

    Settings that end in `_seconds` use the emulator's clock, which tests can hold and advance.
    `latency_ms` and the delays of faults use real time.
    """

    dialect: str = "docs"
    backend_link: str = "echo"
    backend_timestamps: bool = False
    precision: str = "seconds"
    mixed_timestamps: bool = False

    page_size: int = 50
    page_limit: int = 500
    connection_page_size: int = 0
    total_excess: int = 0
    paging_trouble: str = ""
    list_lag_requests: int = 0
    list_lag_seconds: float = 0.0
    read_lag_seconds: float = 0.0
    list_deleted: bool = False
    hidden: tuple[str, ...] = ()
    hidden_get: int = 404
    deleted_get: int = 200

    unique_names: bool = True
    duplicate_status: int = 409
    delete_frees_name: bool = True
    purge_needs_trash: bool = False
    check_credential: bool = True
    check_required: bool = True
    accept_unknown_type: bool = False

    credential_put: str = "merge"
    connection_put: str = "replace"
    null_deletes: bool = False
    normalise: tuple[str, ...] = ()

    reply_secrets: str = "omit"
    stringify: bool = False
    unordered_fields: tuple[str, ...] = ()
    extra_fields: bool = False
    statuses: Mapping[str, str] = field(default_factory=dict)
    create_status: int = 201
    update_status: int = 200
    delete_status: int = 200

    key_revoked: bool = False
    network_allowed: bool = True
    legacy_key_header: bool = False
    rate_limit: int = 0
    rate_window_seconds: float = 60.0
    rate_headers: bool = True
    retry_after: str = "seconds"
    latency_ms: float = 0.0

    test_failure_status: int = 200
    test_reply: str = "full"
    unknown_target: str = "ok"
    real_postgres: str = "loopback"
    postgres_timeout_seconds: int = 5
    oauth_needs_consent: bool = True

    max_connections: int = 100_000
    plan: str = "enterprise"

    @property
    def timestamp_step(self) -> int:
        """The smallest difference between two timestamps, in microseconds."""
        return {"seconds": SECOND, "milliseconds": 1_000, "microseconds": 1}[self.precision]


def change_settings(settings: EmulatorSettings, changes: Mapping[str, Any]) -> EmulatorSettings:
    """Return the settings with the changes; lists become tuples.

    Raises SettingsError for an unknown name or an invalid value.
    """
    known = {each.name: each for each in fields(EmulatorSettings)}
    for name in changes:
        if name not in known:
            raise SettingsError(of=name, issue="unknown setting")
    return replace(settings, **{name: _check_value(name, value) for name, value in changes.items()})


def read_settings(path: Path) -> EmulatorSettings:
    """Read settings from a JSON file with one object of names and values; raises SettingsError."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(tree, dict):
        raise SettingsError(of=path.name, issue="must contain a JSON object")
    return change_settings(EmulatorSettings(), tree)


def settings_to_json(settings: EmulatorSettings) -> dict[str, Any]:
    """Return the settings as JSON values."""
    plain = {each.name: getattr(settings, each.name) for each in fields(EmulatorSettings)}
    return {
        name: list(value)
        if isinstance(value, tuple)
        else dict(value)
        if isinstance(value, Mapping)
        else value
        for name, value in plain.items()
    }


_DEFAULTS = EmulatorSettings()


def _check_value(name: str, value: Any) -> Any:
    default = getattr(_DEFAULTS, name)
    if name in CHOICES:
        if value not in CHOICES[name] or isinstance(value, bool):
            raise SettingsError(of=name, issue=f"must be one of {list(CHOICES[name])}")
        return value
    if isinstance(default, tuple):
        return _check_strings(name, value)
    if isinstance(default, Mapping):
        if not isinstance(value, Mapping):
            raise SettingsError(of=name, issue="must be an object")
        return MappingProxyType(dict(value))
    return _check_scalar(name, default, value)


def _check_strings(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise SettingsError(of=name, issue="must be a list of strings")
    if name == "normalise" and not set(value) <= set(NORMALISATIONS):
        raise SettingsError(of=name, issue=f"must contain only {list(NORMALISATIONS)}")
    return tuple(value)


def _check_scalar(name: str, default: Any, value: Any) -> Any:
    wanted = type(default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise SettingsError(of=name, issue=f"must be of type {wanted.__name__}")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        raise SettingsError(of=name, issue="must not be negative")
    if name in ("page_size", "page_limit") and value < 1:
        raise SettingsError(of=name, issue="must be at least 1")
    return value
