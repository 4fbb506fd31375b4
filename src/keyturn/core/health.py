"""What a check-up found: one line for each thing that was looked at."""

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from keyturn.core.diagnostic import Diagnostic, Severity


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


_STATUS_BY_SEVERITY = {Severity.ERROR: CheckStatus.FAILED, Severity.WARNING: CheckStatus.WARNING, Severity.NOTE: CheckStatus.NOTE}


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
