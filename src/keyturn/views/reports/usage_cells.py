"""The cells of the usage report: one row of plain text for each credential; unknown is never 0."""

from typing import Final

from keyturn.model.diagnostic import pluralize, pluralize_or_none
from keyturn.model.usage import CredentialUsage, UsageReport

UNKNOWN_TEXT: Final = "unknown"

USAGE_COLUMNS: Final = (
    "credential", "type", "flags", "connections", "pipelines", "schedules", "last rotated", "max age",
    "expires", "can decrypt", "owner", "file",
)  # fmt: skip


def build_usage_row(report: UsageReport, usage: CredentialUsage) -> tuple[str, ...]:
    """Return a credential's cells in the order of ``USAGE_COLUMNS``, not yet escaped for any sink."""
    users = usage.users
    connections = ", ".join(users.connections)
    if not users.complete:
        connections = f"{connections} (there may be more)" if connections else UNKNOWN_TEXT
    return (
        usage.address.name,
        usage.type,
        ", ".join(report.classes_of(usage)),
        connections or "none",
        _format_names(
            (*(users.pipelines or ()), *(f"sync {name}" for name in users.syncs or ())), users.pipelines
        ),
        _format_schedules(usage),
        _format_age(report, usage),
        pluralize_or_none(usage.max_age_days, "day") if usage.max_age_days else "not stated",
        "; ".join(f"{expiry.description} on {expiry.day}" for expiry in usage.expiries) or "not recorded",
        UNKNOWN_TEXT
        if usage.recipients is None
        else f"{len(usage.recipients)}: {', '.join(usage.recipients)}",
        usage.owner or "not stated",
        usage.file or "not in git",
    )


def summarize_usage(report: UsageReport) -> str:
    """Return the summary line: ``Usage: 7 credentials, 1 overdue, 0 expiring, 2 unused, …``."""
    counts = ", ".join(f"{number} {name}" for name, number in report.count_by_class().items())
    return f"Usage: {pluralize(len(report.usages), 'credential')}, {counts}."


def _format_names(names: tuple[str, ...], known: object) -> str:
    if known is None and not names:
        return UNKNOWN_TEXT
    return ", ".join(names) or "none"


def _format_schedules(usage: CredentialUsage) -> str:
    if usage.users.schedules is None:
        return UNKNOWN_TEXT
    following = f", next {usage.users.next_run}" if usage.users.next_run else ""
    return f"{usage.users.schedules}{following}" if usage.users.schedules else "none"


def _format_age(report: UsageReport, usage: CredentialUsage) -> str:
    age = usage.age_in_days(report.today)
    if age is None:
        return UNKNOWN_TEXT
    late = usage.days_overdue(report.today)
    more = f", {pluralize_or_none(late, 'day')} overdue" if late else ""
    return f"{usage.rotated}, {pluralize_or_none(age, 'day')} ago{more}" if age else f"{usage.rotated}, today"
