"""Classification of failed connection tests by the text of the error."""

import re
from enum import Enum
from typing import Final


class FailureReason(Enum):
    """Why a connection test failed, by the layer at which it failed."""

    NETWORK = "network"
    FIREWALL = "firewall"
    TLS = "tls"
    AUTHENTICATION = "authentication"
    FORBIDDEN = "forbidden"
    CONSENT = "consent"
    SERVICE = "service"
    UNKNOWN = "unknown"


# The first match wins. The patterns come from the vendor's troubleshooting page and from the error
# messages of database drivers.
_REASON_REGEXES: Final = (
    (FailureReason.AUTHENTICATION, r"invalid_client|unauthorized_client"),
    (FailureReason.CONSENT, r"consent|re-?authori[sz]e|authori[sz]e the|oauth|invalid_grant|refresh token"),
    (FailureReason.TLS, r"certificate|\bssl\b|\btls\b|handshake|hostname mismatch|self.signed"),
    (FailureReason.AUTHENTICATION, r"signaturedoesnotmatch|invalidaccesskeyid"),
    (
        FailureReason.FORBIDDEN,
        r"accessdenied|\b403\b|forbidden|permission denied|not authori[sz]ed|privilege",
    ),
    (FailureReason.AUTHENTICATION, r"login failed|authenticat|access denied|\b401\b|unauthori[sz]ed"),
    (
        FailureReason.AUTHENTICATION,
        r"in(?:valid|correct) (?:user|password|credential|token)|account (?:is )?locked",
    ),
    (FailureReason.FIREWALL, r"connection reset|reset by peer|not allowed to connect|allow-?list|pg_hba"),
    (FailureReason.NETWORK, r"time.?out|timed out|refused|unreachable|no route|resolve|did not answer"),
    (FailureReason.NETWORK, r"name or service|no such host|\bdns\b|could not connect"),
)
_REASON_PATTERNS: Final = tuple(
    (reason, re.compile(regex, re.IGNORECASE)) for reason, regex in _REASON_REGEXES
)

_REASON_HINTS: Final = {
    FailureReason.NETWORK: "check host, port and the network path from the Planasonix workers (VPN, DNS)",
    FailureReason.FIREWALL: "a firewall closed the connection: add the Planasonix addresses to its allowlist",
    FailureReason.TLS: "check the host name, the CA and the TLS mode of the connection",
    FailureReason.AUTHENTICATION: "set the correct secret with `keyturn secret set`, then apply",
    FailureReason.FORBIDDEN: "grant the missing permission at the target (role, policy, schema)",
    FailureReason.CONSENT: "open the connection in Planasonix and click Authorize, as a shared user",
    FailureReason.SERVICE: "the test did not run: check that the API key has the scope connectors:read",
    FailureReason.UNKNOWN: "the message comes from the target: try the same login with another client",
}

REASONS_BEFORE_LOGIN: Final = frozenset(
    {FailureReason.NETWORK, FailureReason.FIREWALL, FailureReason.TLS, FailureReason.SERVICE}
)
"""Failures before any login at the target, which therefore cannot lock an account."""


def classify_failure(message: str) -> FailureReason:
    """Return the reason of a failed test by its message; the first matching pattern decides."""
    return next(
        (reason for reason, pattern in _REASON_PATTERNS if pattern.search(message)), FailureReason.UNKNOWN
    )


def hint_for_failure(reason: FailureReason) -> str:
    """Return the hint for a test that failed for ``reason``."""
    return _REASON_HINTS[reason]
