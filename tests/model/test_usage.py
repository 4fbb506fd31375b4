"""The usage report: classes of credentials."""

from datetime import date

import pytest

from keyturn.model.usage import USAGE_CLASSES, CredentialUsage, CredentialUsers, Expiry, UsageReport
from sample_resources import credential_address

TODAY = date(2026, 3, 1)


def usage(**more):
    """Return a managed credential that is rotated and in use."""
    values = {
        "file": "f.yaml",
        "type": "database",
        "users": CredentialUsers(connections=("prod-pg",)),
        **more,
    }
    return CredentialUsage(address=credential_address("prod-db"), **values)


def flags(each, notice=30):
    """Return the classes of a credential."""
    review = UsageReport(workspace="prod", organization="o", today=TODAY, notice_days=notice, usages=(each,))
    assert review.count_by_class() == {name: int(name in review.classes_of(each)) for name in USAGE_CLASSES}
    return review.classes_of(each)


def test_a_healthy_credential_is_in_no_class():
    """Most credentials need no attention."""
    assert flags(usage(rotated=TODAY, max_age_days=90)) == ()


@pytest.mark.parametrize(
    ("reach", "used"),
    [
        (CredentialUsers(), False),
        (CredentialUsers(complete=False), None),
        (CredentialUsers(pipelines=None), None),
        (CredentialUsers(syncs=None), None),
        (CredentialUsers(connections=("c",), complete=False, pipelines=None), True),
        (CredentialUsers(pipelines=("p",), complete=False), True),
    ],
)
def test_unused_requires_complete_lists(reach, used):
    """A list that may be incomplete does not prove that a credential is unused."""
    assert reach.is_used is used
    assert ("unused" in flags(usage(users=reach))) is (used is False)
    assert ("unknown" in flags(usage(users=reach))) is (used is None)


@pytest.mark.parametrize(
    ("rotated", "max_age", "late"),
    [
        (date(2025, 11, 1), 90, 30),
        (date(2025, 12, 1), 90, 0),
        (date(2025, 1, 1), 0, 0),
        (None, 90, 0),
    ],
)
def test_overdue_counts_the_days_beyond_the_maximum_age(rotated, max_age, late):
    """Without a maximum age or a rotation date, nothing is overdue."""
    each = usage(rotated=rotated, max_age_days=max_age)
    assert each.days_overdue(TODAY) == late
    assert ("overdue" in flags(each)) is bool(late)


def test_expiries_are_sorted_by_date():
    """Past and near expiries count; later ones do not."""
    past, near, far = (Expiry(name, date(2026, month, 20)) for name, month in (("a", 2), ("b", 3), ("c", 9)))
    each = usage(expiries=(far, near, past))
    assert each.expiring_within(TODAY, 30) == (past, near)
    assert "expiring" in flags(each)
    assert "expiring" not in flags(usage(expiries=(far,)))


def test_other_classes():
    """OAuth consent, unmanaged credentials and long-lived keys."""
    assert flags(usage(type="oauth", file="", long_lived_reason="a static key")) == (
        "long-lived",
        "needs-consent",
        "unmanaged",
    )
