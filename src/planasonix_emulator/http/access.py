"""Access: API keys with their organizations and scopes, the IP allowlist, and the rate limit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from planasonix_emulator.clock import format_http_date
from planasonix_emulator.http.messages import ApiError, Headers
from planasonix_emulator.settings import SECOND, EmulatorSettings

KEY_SCOPES = (
    "connections:read",
    "connections:write",
    "connectors:read",
    "pipelines:read",
    "schedules:read",
    "admin:organization",
)
"""All scopes; a key has all of them by default."""

_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="planasonix"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key; only its SHA-256 is stored."""

    digest: str
    organization: str
    name: str = "automation"
    scopes: tuple[str, ...] = KEY_SCOPES
    revoked: bool = False


class ApiKeys:
    """The accepted API keys."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def list_keys(self) -> tuple[ApiKey, ...]:
        """Return all keys, also revoked ones, oldest first."""
        return tuple(self._keys.values())

    def accept_key(self, secret: str, organization: str, scopes: tuple[str, ...] = KEY_SCOPES) -> None:
        """Add a key, or replace its organization and scopes."""
        key = ApiKey(digest=_digest_key(secret), organization=organization, scopes=scopes)
        self._keys[key.digest] = key

    def revoke_key(self, secret: str) -> None:
        """Reject a key from now on."""
        digest = _digest_key(secret)
        if digest in self._keys:
            self._keys[digest] = replace(self._keys[digest], revoked=True)

    def authenticate(self, headers: Mapping[str, str], settings: EmulatorSettings) -> ApiKey:
        """Return the key of a request; header names are in lower case.

        Raises ApiError 401 for a missing or unknown key, 403 for another network or organization.
        """
        key = self._keys.get(_digest_key(_read_secret(headers, settings)))
        if key is None or key.revoked or settings.key_revoked:
            raise _unauthorized()
        if not settings.network_allowed:
            raise ApiError(
                HTTPStatus.FORBIDDEN, "ip_not_allowed", "This network address is not on the IP allowlist."
            )
        claimed = headers.get("x-organization-id")
        if claimed is not None and claimed != key.organization:
            raise ApiError(
                HTTPStatus.FORBIDDEN, "organization_mismatch", "The API key belongs to another organization."
            )
        return key


class RateLimit:
    """Count the requests of each key in windows of the emulator's clock."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, int]] = {}

    def count_request(self, key: str, settings: EmulatorSettings, now: int) -> Headers:
        """Count one request; return the rate limit headers; raises ApiError 429 above the limit."""
        limit = settings.rate_limit
        if not limit:
            return ()
        width = int(settings.rate_window_seconds * SECOND)
        start, count = self._windows.get(key, (now, 0))
        if now - start >= width or now < start:
            start, count = now, 0
        self._windows[key] = (start, count + 1)
        reset = start + width
        headers = _rate_headers(limit, count + 1, reset) if settings.rate_headers else ()
        if count >= limit:
            raise too_many_requests((*headers, *format_retry_after(settings.retry_after, reset, now)))
        return headers


def require_scope(key: ApiKey, scope: str) -> None:
    """Raise ApiError 403 unless the key has the scope; an empty scope needs none."""
    if scope and scope not in key.scopes:
        raise ApiError(HTTPStatus.FORBIDDEN, "insufficient_scope", f"The API key lacks the scope {scope}.")


def too_many_requests(headers: Headers) -> ApiError:
    """Return the 429."""
    message = "Too many requests; try again later."
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", message, headers=headers)


def format_retry_after(form: str, until: int, now: int) -> Headers:
    """Return the Retry-After header in one of the forms of the settings; times in microseconds."""
    seconds = max(-(-(until - now) // SECOND), 1)
    forms = {
        "seconds": str(seconds),
        "date": format_http_date((until + SECOND) // SECOND),
        "zero": "0",
        "huge": "86400",
        "garbage": "soon",
        "negative": "-5",
    }
    return (("Retry-After", forms[form]),) if form in forms else ()


def _digest_key(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _read_secret(headers: Mapping[str, str], settings: EmulatorSettings) -> str:
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    legacy = headers.get("x-planasonix-api-key")
    if settings.legacy_key_header and legacy:
        return legacy
    raise _unauthorized()


def _unauthorized() -> ApiError:
    message = "Send a valid API key as a bearer token in the Authorization header."
    return ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", message, headers=(_CHALLENGE,))


def _rate_headers(limit: int, count: int, reset: int) -> Headers:
    return (
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Remaining", str(max(limit - count, 0))),
        ("X-RateLimit-Reset", str(reset // SECOND)),
    )
