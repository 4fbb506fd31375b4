"""Results of doctor, import, pull and connection tests."""

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import FieldChange
from keyturn.model.connection_failure import FailureReason
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.fields import FieldPath


class CheckStatus(Enum):
    """The status of a check; FAILED prevents a plan or an apply, WARNING may do so later."""

    PASSED = "passed"
    NOTE = "note"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


class CheckResult(Struct, frozen=True, kw_only=True):
    """The result of one check; ``code`` is empty if no diagnostic code applies."""

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
    """Return a check that passed."""
    return CheckResult(topic=topic, status=CheckStatus.PASSED, message=message)


def skipped_check(topic: str, message: str) -> CheckResult:
    """Return a check that was not run; ``message`` states the reason."""
    return CheckResult(topic=topic, status=CheckStatus.SKIPPED, message=message)


def checks_from_diagnostics(topic: str, diagnostics: Iterable[Diagnostic]) -> tuple[CheckResult, ...]:
    """Convert diagnostics to checks; the message starts with the location."""
    return tuple(
        CheckResult(
            topic=topic,
            status=_STATUS_BY_SEVERITY[each.severity],
            message=f"{each.origin}: {each.message}",
            hint=each.hint,
            code=each.code,
        )
        for each in diagnostics
    )


def has_failed_check(checks: Iterable[CheckResult]) -> bool:
    """Tell whether any check failed."""
    return any(each.status is CheckStatus.FAILED for each in checks)


class ImportResult(Struct, frozen=True):
    """The import of one object: the file written, or the error that prevented it."""

    address: Address
    file: str
    error: str = ""
    notes: tuple[str, ...] = ()


class SkippedField(Struct, frozen=True):
    """A drifted field that was not written to its manifest.

    ``needed_approval`` is the credential whose destination change must be approved, empty if no
    approval helps.
    """

    path: FieldPath
    reason: str
    needed_approval: str = ""


class PullResult(Struct, frozen=True, kw_only=True):
    """The pull of one manifest; ``resealed`` means that its seal was computed again.

    A field of ``written`` with the live value ``MISSING`` was removed from the manifest.
    """

    address: Address
    file: str
    written: tuple[FieldChange, ...] = ()
    skipped: tuple[SkippedField, ...] = ()
    resealed: bool = False


class TestStatus(Enum):
    """The status of a connection test; PASSED requires an explicit success from the service."""

    PASSED = "passed"
    FAILED = "failed"
    UNCLEAR = "unclear"
    SKIPPED = "skipped"
    REFUSED = "refused"


class ConnectionTestResult(Struct, frozen=True, kw_only=True):
    """The test of one connection with the credentials that it used.

    ``reason`` is None for a test that passed or was not sent. ``latency_ms`` is None if the service
    returns none.
    """

    address: Address
    status: TestStatus
    credentials: tuple[Address, ...] = ()
    reason: FailureReason | None = None
    message: str = ""
    hint: str = ""
    latency_ms: float | None = None
    server_version: str = ""
