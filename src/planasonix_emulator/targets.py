"""The systems behind connections: simulated ones, which accept some secrets and refuse others."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from planasonix_emulator.settings import SettingsError

MESSAGES: Mapping[str, str] = MappingProxyType(
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
"""The outcomes that a target may have, in the words of the vendor's troubleshooting page."""

_REFUSALS: Mapping[str, str] = MappingProxyType(
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
"""How a type of connection says that the secret is wrong; others say `login failed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One system: which connections reach it, which secrets it accepts, and what else is wrong with it.

    `match` compares settings of the connection, or else of its credential, as text. `accepts` maps a secret's
    key to the values that are right, `accepts_sha256` to their plain SHA-256 in hexadecimal digits. A secret
    key with no entry is not looked at. `real` asks for a login to a real server at the connection's address.
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
class Attempt:
    """What a test takes to a target: connector type, plain settings of both sides, secrets of both."""

    type: str
    config: Mapping[str, Any]
    secrets: Mapping[str, Any]
    credential_type: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a connection test ended."""

    ok: bool
    message: str
    latency_ms: int = 12
    server_version: str = ""


class Targets:
    """The table of simulated systems; the first that fits is the one."""

    def __init__(self) -> None:
        self._table: tuple[Target, ...] = ()

    def replace(self, table: tuple[Target, ...]) -> None:
        """Forget the systems that are known, and know these."""
        self._table = table

    def reached(self, attempt: Attempt) -> Target | None:
        """Return the system that a connection leads to, or None for one nobody described."""
        return next((target for target in self._table if _fits(target, attempt)), None)


def judge(target: Target, attempt: Attempt) -> Verdict:
    """Return what the system says: first whether it is reached, then whether the secrets are right."""
    outcome = target.outcome
    if outcome in ("ok", "forbidden", "consent") and not _accepted(target, attempt.secrets):
        refusal = _REFUSALS.get(attempt.type, MESSAGES["auth"])
        return Verdict(False, refusal, target.latency_ms)
    message = target.message or MESSAGES[outcome]
    return Verdict(
        outcome == "ok", message, target.latency_ms, target.server_version if outcome == "ok" else ""
    )


def read_targets(trees: Any) -> tuple[Target, ...]:
    """Read a JSON list of targets, or an object that holds it under `targets`; raises SettingsError."""
    listed = trees.get("targets") if isinstance(trees, Mapping) else trees
    if not isinstance(listed, list):
        raise SettingsError(of="targets", issue="are a list of objects")
    return tuple(_read(tree) for tree in listed)


def _read(tree: Any) -> Target:
    if not isinstance(tree, Mapping) or not isinstance(tree.get("type"), str):
        raise SettingsError(of="target", issue="is an object with a type")
    unknown = set(tree) - set(Target.__slots__)
    if unknown:
        raise SettingsError(of="target", issue=f"has no {sorted(unknown)}")
    for name in ("match", "accepts", "accepts_sha256"):
        if not isinstance(tree.get(name, {}), Mapping):
            raise SettingsError(of=f"target.{name}", issue="is an object")
    if tree.get("outcome", "ok") not in MESSAGES:
        raise SettingsError(of="target.outcome", issue=f"is one of {list(MESSAGES)}")
    return Target(**tree)


def _fits(target: Target, attempt: Attempt) -> bool:
    if target.type != attempt.type:
        return False
    return all(_same(attempt.config.get(name), wanted) for name, wanted in target.match.items())


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_same(found, each) for each in wanted)
    return found is not None and str(found).strip().lower() == str(wanted).strip().lower()


def _accepted(target: Target, secrets: Mapping[str, Any]) -> bool:
    by_value = all(
        isinstance(secrets.get(name), str) and secrets[name] in _several(right)
        for name, right in target.accepts.items()
    )
    return by_value and all(
        isinstance(secrets.get(name), str)
        and hashlib.sha256(secrets[name].encode()).hexdigest() in _several(right)
        for name, right in target.accepts_sha256.items()
    )


def _several(right: Any) -> tuple[Any, ...]:
    return tuple(right) if isinstance(right, list) else (right,)
