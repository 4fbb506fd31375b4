"""Who may do what: API keys, the organization they speak for, scopes, the network."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from planasonix_emulator.messages import Problem
from planasonix_emulator.settings import Settings

SCOPES = (
    "connections:read",
    "connections:write",
    "connectors:read",
    "pipelines:read",
    "schedules:read",
    "admin:organization",
)
"""The scopes that the routes ask for; a key has all of them unless it is given fewer."""

_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="planasonix"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key, kept by its SHA-256 alone."""

    digest: str
    organization: str
    name: str = "automation"
    scopes: tuple[str, ...] = SCOPES
    revoked: bool = False


@dataclass(slots=True)
class Access:
    """The keys that are known, and the organization of each."""

    keys: dict[str, Key] = field(default_factory=dict)

    def admit(self, secret: str, organization: str, scopes: tuple[str, ...] = SCOPES) -> None:
        """Let a key in, or change what it may do."""
        key = Key(digest=key_digest(secret), organization=organization, scopes=scopes)
        self.keys[key.digest] = key

    def revoke(self, secret: str) -> None:
        """Refuse a key from now on."""
        digest = key_digest(secret)
        if digest in self.keys:
            self.keys[digest] = replace(self.keys[digest], revoked=True)

    def authenticate(self, headers: Mapping[str, str], settings: Settings) -> Key:
        """Return the key of a request; raises Problem 401, or 403 for a foreign network or organization."""
        key = self.keys.get(key_digest(_presented(headers, settings)))
        if key is None or key.revoked or settings.key_revoked:
            raise _unauthorized()
        if not settings.network_allowed:
            raise Problem(
                HTTPStatus.FORBIDDEN, "ip_not_allowed", "This network address is not on the IP allowlist."
            )
        claimed = headers.get("x-organization-id")
        if claimed is not None and claimed != key.organization:
            raise Problem(
                HTTPStatus.FORBIDDEN, "organization_mismatch", "The API key belongs to another organization."
            )
        return key


def allow(key: Key, scope: str) -> None:
    """Raise Problem 403 unless the key has the scope; an empty scope is free."""
    if scope and scope not in key.scopes:
        raise Problem(HTTPStatus.FORBIDDEN, "insufficient_scope", f"The API key lacks the scope {scope}.")


def key_digest(secret: str) -> str:
    """Return the digest under which the service keeps a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _presented(headers: Mapping[str, str], settings: Settings) -> str:
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    legacy = headers.get("x-planasonix-api-key")
    if settings.legacy_key_header and legacy:
        return legacy
    raise _unauthorized()


def _unauthorized() -> Problem:
    message = "Send a valid API key as a bearer token in the Authorization header."
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", message).having(_CHALLENGE)
