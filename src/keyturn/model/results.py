"""What a check-up found: one line for each thing that was looked at."""

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import FieldChange
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.secret_detection import is_secret_value


class CheckStatus(Enum):
    """How a thing is: BROKEN stops a plan or an apply, DOUBT will one day, UNTRIED was not looked at."""

    PASSED = "good"
    NOTE = "note"
    SKIPPED = "untried"
    WARNING = "doubt"
    FAILED = "broken"


class CheckResult(Struct, frozen=True, kw_only=True):
    """One thing that was looked at; ``code`` is empty where there is nothing to explain."""

    topic: str
    status: CheckStatus
    message: str
    hint: str = ""
    code: str = ""


_STATUS_BY_SEVERITY = {
    Severity.ERROR: CheckStatus.FAILED,
    Severity.WARNING: CheckStatus.WARNING,
    Severity.NOTE: CheckStatus.NOTE,
}


def passed_check(topic: str, message: str) -> CheckResult:
    """Return the check of a thing that is in order."""
    return CheckResult(topic=topic, status=CheckStatus.PASSED, message=message)


def skipped_check(topic: str, message: str) -> CheckResult:
    """Return the check of a thing that could not be looked at, with why."""
    return CheckResult(topic=topic, status=CheckStatus.SKIPPED, message=message)


def checks_from_diagnostics(topic: str, findings: Iterable[Diagnostic]) -> tuple[CheckResult, ...]:
    """Return findings as checks; where they stand is told in front of what they say."""
    return tuple(
        CheckResult(
            topic=topic,
            status=_STATUS_BY_SEVERITY[each.severity],
            message=f"{each.origin}: {each.message}",
            hint=each.hint,
            code=each.code,
        )
        for each in findings
    )


def has_failed_check(checks: Iterable[CheckResult]) -> bool:
    """Tell whether anything is broken."""
    return any(each.status is CheckStatus.FAILED for each in checks)


class ImportResult(Struct, frozen=True):
    """One object: the file that was written for it, or why there is none; ``notes`` for the reader."""

    address: Address
    file: str
    error: str = ""
    notes: tuple[str, ...] = ()


class SkippedField(Struct, frozen=True):
    """A field that drifted and was not written; ``consent`` names the credential that could be agreed to."""

    path: FieldPath
    reason: str
    needed_approval: str = ""


class PullResult(Struct, frozen=True, kw_only=True):
    """One manifest that differs from what is live; ``sealed`` tells that its secrets were bound anew.

    A field of ``written`` whose live value is ``ABSENT`` was taken out of the manifest.
    """

    address: Address
    file: str
    written: tuple[FieldChange, ...] = ()
    skipped: tuple[SkippedField, ...] = ()
    resealed: bool = False


class TestStatus(Enum):
    """How a connection test ended; only an explicit yes of the service is PASSED."""

    PASSED = "passed"
    FAILED = "failed"
    UNCLEAR = "unclear"
    SKIPPED = "skipped"
    REFUSED = "refused"


class FailureReason(Enum):
    """Why a test did not pass, by the layer at which it stopped."""

    NETWORK = "network"
    FIREWALL = "firewall"
    TLS = "tls"
    AUTHENTICATION = "authentication"
    FORBIDDEN = "forbidden"
    CONSENT = "consent"
    SERVICE = "service"
    UNKNOWN = "unknown"


class ConnectionTestResult(Struct, frozen=True, kw_only=True):
    """One connection: how its test ended and what to do next; times in milliseconds, None if not told.

    ``credentials`` are those that the test used. ``reason`` is None for a test that passed or was
    never sent.
    """

    address: Address
    status: TestStatus
    credentials: tuple[Address, ...] = ()
    reason: FailureReason | None = None
    message: str = ""
    hint: str = ""
    latency_ms: float | None = None
    server_version: str = ""


WITHHELD_MESSAGE: Final = "(the message is not shown: it looks as if it held a secret)"

# The order matters: the first that fits is taken. The words are those of the vendor's
# troubleshooting page and of the drivers behind it.
_REASON_WORDS: Final = (
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
_REASON_PATTERNS: Final = tuple((reason, re.compile(words, re.IGNORECASE)) for reason, words in _REASON_WORDS)

_REASON_HINTS: Final = {
    FailureReason.NETWORK: "check host and port, and that Planasonix' workers reach them (VPN, private link, DNS)",
    FailureReason.FIREWALL: "something on the way closed the connection: add Planasonix' addresses to the allowlist",
    FailureReason.TLS: "check the host's name against its certificate, and the CA and TLS mode of the connection",
    FailureReason.AUTHENTICATION: "the target refuses the secret: `keyturn secret set` the right one, and apply",
    FailureReason.FORBIDDEN: "the login works and lacks a right: grant it at the target (role, policy, schema)",
    FailureReason.CONSENT: "open the connection in Planasonix and click Authorize, with a shared integration user",
    FailureReason.SERVICE: "the test was not run: does the API key have the scope connectors:read?",
    FailureReason.UNKNOWN: "the words are the target's own: try the same login by hand",
}

REASONS_BEFORE_LOGIN: Final = frozenset(
    {FailureReason.NETWORK, FailureReason.FIREWALL, FailureReason.TLS, FailureReason.SERVICE}
)
"""Where no login was tried at the target, so that no account comes nearer to being locked."""


def classify_failure(message: str) -> FailureReason:
    """Return the class of a failed test by the words of its message."""
    return next(
        (reason for reason, words in _REASON_PATTERNS if words.search(message)), FailureReason.UNKNOWN
    )


def hint_for_failure(reason: FailureReason) -> str:
    """Return what to do next about a test that failed for ``reason``."""
    return _REASON_HINTS[reason]


def redact_if_secret(message: str) -> str:
    """Return a service's message, or a remark in its place where it looks as if it held a secret."""
    return WITHHELD_MESSAGE if is_secret_value(message) else message
