"""The usage report: users, age, expiry and readers of each credential.

None means unknown and never counts as zero: an API key with limited rights does not see all
objects, and some deployments do not return which credential a connection uses.
"""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from msgspec import Struct

from keyturn.model.address import Address


class Expiry(Struct, frozen=True):
    """An expiry date: of a certificate, of a client secret, or recorded in a label."""

    description: str
    day: date


class CredentialUsers(Struct, frozen=True, kw_only=True):
    """The users of a credential, by name; ``complete`` means that every connection is visible.

    ``schedules`` counts enabled schedules; ``next_run`` is RFC 3339 or empty. ``links`` are pairs
    of nodes (``kind/name``) of which the second uses the first.
    """

    connections: tuple[str, ...] = ()
    complete: bool = True
    pipelines: tuple[str, ...] | None = ()
    syncs: tuple[str, ...] | None = ()
    schedules: int | None = 0
    next_run: str = ""
    links: tuple[tuple[str, str], ...] = ()

    @property
    def is_used(self) -> bool | None:
        """Whether anything uses the credential; None if unknown."""
        if self.connections or self.pipelines or self.syncs:
            return True
        return False if self.complete and self.pipelines is not None and self.syncs is not None else None


class CredentialUsage(Struct, frozen=True, kw_only=True):
    """One credential. ``file`` is empty without a manifest, ``status`` without a live object.

    ``max_age_days`` is 0 without a maximum age. ``recipients`` can decrypt its file (``age:age1…``);
    None without a file.
    """

    address: Address
    type: str
    file: str = ""
    status: str = ""
    owner: str = ""
    users: CredentialUsers = CredentialUsers()  # frozen
    rotated: date | None = None
    max_age_days: int = 0
    expiries: tuple[Expiry, ...] = ()
    long_lived_reason: str = ""
    recipients: tuple[str, ...] | None = None

    @property
    def needs_consent(self) -> bool:
        """Whether a person must authorize it in the UI."""
        return self.type == "oauth"

    def age_in_days(self, today: date) -> int | None:
        """Return the days since the last rotation; None if unknown."""
        return (today - self.rotated).days if self.rotated else None

    def days_overdue(self, today: date) -> int:
        """Return by how many days the rotation is overdue; 0 if not overdue or unknown."""
        age = self.age_in_days(today)
        return max(0, age - self.max_age_days) if age is not None and self.max_age_days else 0

    def expiring_within(self, today: date, days: int) -> tuple[Expiry, ...]:
        """Return the expiries in the past or within ``days`` days, earliest first."""
        near = [each for each in self.expiries if (each.day - today).days <= days]
        return tuple(sorted(near, key=lambda each: (each.day, each.description)))


class UsageReport(Struct, frozen=True, kw_only=True):
    """The usage report of a workspace; ``notes`` state which information is missing."""

    workspace: str
    organization: str
    today: date
    notice_days: int
    usages: tuple[CredentialUsage, ...]
    notes: tuple[str, ...] = ()

    def classes_of(self, usage: CredentialUsage) -> tuple[str, ...]:
        """Return the names of the ``USAGE_CLASSES`` that a credential belongs to."""
        return tuple(name for name, holds in USAGE_CLASSES.items() if holds(self, usage))

    def count_by_class(self) -> Mapping[str, int]:
        """Return the number of credentials by class."""
        return {name: sum(holds(self, each) for each in self.usages) for name, holds in USAGE_CLASSES.items()}


USAGE_CLASSES: Mapping[str, Callable[[UsageReport, CredentialUsage], bool]] = MappingProxyType(
    {
        "overdue": lambda report, usage: usage.days_overdue(report.today) > 0,
        "expiring": lambda report, usage: bool(usage.expiring_within(report.today, report.notice_days)),
        "unused": lambda _, usage: usage.users.is_used is False,
        "unknown": lambda _, usage: usage.users.is_used is None,
        "long-lived": lambda _, usage: bool(usage.long_lived_reason),
        "needs-consent": lambda _, usage: usage.needs_consent,
        "unmanaged": lambda _, usage: not usage.file,
    }
)
"""The classes of credentials by name, with their predicates; ``--fail-on`` takes these names."""
