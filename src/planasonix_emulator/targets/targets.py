"""Simulated target systems: which connections lead to them and which secrets they accept."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from planasonix_emulator.settings import SettingsError

OUTCOME_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "ok": "Connection successful",
        "network": "connect timeout: the host did not answer",
        "refused": "connection refused",
        "auth": "login failed",
        "tls": "certificate verify failed: hostname mismatch",
        "firewall": "connection reset by peer",
        "forbidden": "403 AccessDenied",
        "signature": "403 SignatureDoesNotMatch",
        "consent": "OAuth token expired or revoked: authorize the connection again",
    }
)
"""The outcomes of a connection test, with the messages of the vendor's troubleshooting page."""

_WRONG_SECRET_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "postgres": "password authentication failed",
        "mysql": "Access denied",
        "s3": "403 SignatureDoesNotMatch",
        "r2": "403 SignatureDoesNotMatch",
        "minio": "403 SignatureDoesNotMatch",
        "kinesis": "403 AccessDenied",
        "gcs": "403 AccessDenied",
        "azure_blob": "403 AccessDenied",
    }
)
"""The message for a wrong secret by type of connection; other types use `login failed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedTarget:
    """One target: which connections lead to it, which secrets it accepts, and the outcome of a login.

    `match` compares settings of the connection, or else of its credential, as text. `accepts` maps the key
    of a secret to its accepted values, `accepts_sha256` to their SHA-256 in hexadecimal digits. A secret
    without an entry is not checked. `real` requests a login to the server at the connection's address.
    """

    type: str
    match: Mapping[str, Any] = field(default_factory=dict)
    accepts: Mapping[str, Any] = field(default_factory=dict)
    accepts_sha256: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = "ok"
    message: str = ""
    server_version: str = ""
    latency_ms: int = 12
    real: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAttempt:
    """The input of a login: connector type, plain settings and secrets of connection and credential."""

    type: str
    config: Mapping[str, Any]
    secrets: Mapping[str, Any]
    credential_type: str = ""


@dataclass(frozen=True, slots=True)
class LoginResult:
    """The result of a connection test."""

    ok: bool
    message: str
    latency_ms: int = 12
    server_version: str = ""


class TargetTable:
    """The simulated targets; the first match is used."""

    def __init__(self) -> None:
        self._targets: tuple[SimulatedTarget, ...] = ()

    def replace_targets(self, targets: tuple[SimulatedTarget, ...]) -> None:
        """Replace all targets."""
        self._targets = targets

    def find_target(self, attempt: LoginAttempt) -> SimulatedTarget | None:
        """Return the target that a connection leads to, or None."""
        return next((target for target in self._targets if _matches_attempt(target, attempt)), None)


def simulate_login(target: SimulatedTarget, attempt: LoginAttempt) -> LoginResult:
    """Return the result of a login: first whether the target is reachable, then whether the secrets match."""
    outcome = target.outcome
    if outcome in ("ok", "forbidden", "consent") and not _accepts_secrets(target, attempt.secrets):
        message = _WRONG_SECRET_MESSAGES.get(attempt.type, OUTCOME_MESSAGES["auth"])
        return LoginResult(False, message, target.latency_ms)
    message = target.message or OUTCOME_MESSAGES[outcome]
    return LoginResult(
        outcome == "ok", message, target.latency_ms, target.server_version if outcome == "ok" else ""
    )


def parse_targets(trees: Any) -> tuple[SimulatedTarget, ...]:
    """Parse a JSON list of targets, or an object with the list under `targets`; raises SettingsError."""
    listed = trees.get("targets") if isinstance(trees, Mapping) else trees
    if not isinstance(listed, list):
        raise SettingsError(of="targets", issue="must be a list of objects")
    return tuple(_parse_target(tree) for tree in listed)


def _parse_target(tree: Any) -> SimulatedTarget:
    if not isinstance(tree, Mapping) or not isinstance(tree.get("type"), str):
        raise SettingsError(of="target", issue="must be an object with a type")
    unknown = set(tree) - set(SimulatedTarget.__slots__)
    if unknown:
        raise SettingsError(of="target", issue=f"unknown fields {sorted(unknown)}")
    for name in ("match", "accepts", "accepts_sha256"):
        if not isinstance(tree.get(name, {}), Mapping):
            raise SettingsError(of=f"target.{name}", issue="must be an object")
    if tree.get("outcome", "ok") not in OUTCOME_MESSAGES:
        raise SettingsError(of="target.outcome", issue=f"must be one of {list(OUTCOME_MESSAGES)}")
    return SimulatedTarget(**tree)


def _matches_attempt(target: SimulatedTarget, attempt: LoginAttempt) -> bool:
    if target.type != attempt.type:
        return False
    return all(_equals_text(attempt.config.get(name), expected) for name, expected in target.match.items())


def _equals_text(actual: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return any(_equals_text(actual, each) for each in expected)
    return actual is not None and str(actual).strip().lower() == str(expected).strip().lower()


def _accepts_secrets(target: SimulatedTarget, secrets: Mapping[str, Any]) -> bool:
    by_value = all(
        isinstance(secrets.get(name), str) and secrets[name] in _to_tuple(accepted)
        for name, accepted in target.accepts.items()
    )
    return by_value and all(
        isinstance(secrets.get(name), str)
        and hashlib.sha256(secrets[name].encode()).hexdigest() in _to_tuple(accepted)
        for name, accepted in target.accepts_sha256.items()
    )


def _to_tuple(accepted: Any) -> tuple[Any, ...]:
    return tuple(accepted) if isinstance(accepted, list) else (accepted,)
