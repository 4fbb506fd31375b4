"""The cells of the usage report."""

from datetime import date

from msgspec.structs import replace

from keyturn.model.usage import CredentialUsage, CredentialUsers, UsageReport
from keyturn.views.reports.usage_cells import USAGE_COLUMNS, build_usage_row, summarize_usage
from sample_resources import credential_address

USAGE = CredentialUsage(
    address=credential_address("ui-made"),
    type="oauth",
    users=CredentialUsers(complete=False, pipelines=None, schedules=None),
    long_lived_reason="a static key",
)
REPORT = UsageReport(
    workspace="prod", organization="org_1", today=date(2026, 3, 1), notice_days=30, usages=(USAGE,)
)


def cells(usage):
    """Return the cells of a credential by column."""
    return dict(zip(USAGE_COLUMNS, build_usage_row(REPORT, usage), strict=True))


def test_an_unknown_value_is_not_zero():
    """The cell says unknown."""
    columns = {"connections", "pipelines", "schedules", "last rotated", "can decrypt"}
    assert {column for column, cell in cells(USAGE).items() if cell == "unknown"} == columns


def test_known_users_of_an_incomplete_list():
    """The cell says that there may be more."""
    users = replace(USAGE.users, connections=("prod-pg",))
    assert cells(replace(USAGE, users=users))["connections"] == "prod-pg (there may be more)"


def test_no_expiry_is_not_recorded():
    """A missing date does not mean that nothing expires."""
    assert cells(USAGE)["expires"] == "not recorded"


def test_flags_and_summary_name_the_classes():
    """The option ``--fail-on`` takes the same names."""
    assert cells(USAGE)["flags"] == "unknown, long-lived, needs-consent, unmanaged"
    assert summarize_usage(REPORT) == (
        "Usage: 1 credential, 0 overdue, 0 expiring, 0 unused, 1 unknown, 1 long-lived, 1 needs-consent, "
        "1 unmanaged."
    )
