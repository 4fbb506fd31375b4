"""The quarterly review as values: each credential with what uses it, how old it is and who can read it.

None stands for what is not known, and is never read as nought: a key's rights hide objects, and
some deployments do not say which credential a connection uses.
"""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from msgspec import Struct

from keyturn.model.address import Address


class Expiry(Struct, frozen=True):
    """Something that ends on a day: a certificate, a client secret, what a label records."""

    description: str
    day: date


class CredentialUsers(Struct, frozen=True, kw_only=True):
    """What uses a credential, by name; ``complete`` tells that no connection of it can be hidden.

    ``schedules`` counts those that are enabled; ``next_run`` is RFC 3339 or empty. ``links`` are
    pairs of nodes (``kind/name``), the second of which uses the first: connections, pipelines and
    syncs, schedules.
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
        """Whether anything uses it; None where what is seen does not tell."""
        if self.connections or self.pipelines or self.syncs:
            return True
        return False if self.complete and self.pipelines is not None and self.syncs is not None else None


class CredentialUsage(Struct, frozen=True, kw_only=True):
    """One credential. ``file`` is empty for one that is not in git, ``status`` for one that is not live.

    ``max_age_days`` is 0 where nothing says how old it may become. ``readers`` are the recipients
    of its file (``age:age1…``), None where git does not have it.
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
        """Whether it rests on a person's authorization."""
        return self.type == "oauth"

    def age_in_days(self, today: date) -> int | None:
        """Return the days since the last rotation; None where that is not known."""
        return (today - self.rotated).days if self.rotated else None

    def days_overdue(self, today: date) -> int:
        """Return by how many days its rotation is overdue; 0 where it is not, or nothing is known."""
        age = self.age_in_days(today)
        return max(0, age - self.max_age_days) if age is not None and self.max_age_days else 0

    def expiring_within(self, today: date, notice: int) -> tuple[Expiry, ...]:
        """Return what is over, or ends within ``notice`` days, soonest first."""
        near = [each for each in self.expiries if (each.day - today).days <= notice]
        return tuple(sorted(near, key=lambda each: (each.day, each.description)))


class UsageReport(Struct, frozen=True, kw_only=True):
    """A workspace's review on a day; ``notes`` say what could not be seen, ``notice`` is in days."""

    workspace: str
    organization: str
    today: date
    notice_days: int
    usages: tuple[CredentialUsage, ...]
    notes: tuple[str, ...] = ()

    def classes_of(self, usage: CredentialUsage) -> tuple[str, ...]:
        """Return the classes that a credential is in, of those that ``CLASSES`` names."""
        return tuple(name for name, holds in USAGE_CLASSES.items() if holds(self, usage))

    def count_by_class(self) -> Mapping[str, int]:
        """Return how many credentials are in each class."""
        return {name: sum(holds(self, each) for each in self.usages) for name, holds in USAGE_CLASSES.items()}


USAGE_CLASSES: Mapping[str, Callable[[UsageReport, CredentialUsage], bool]] = MappingProxyType(
    {
        "overdue": lambda review, usage: usage.days_overdue(review.today) > 0,
        "expiring": lambda review, usage: bool(usage.expiring_within(review.today, review.notice_days)),
        "unused": lambda _, usage: usage.users.is_used is False,
        "unknown": lambda _, usage: usage.users.is_used is None,
        "lasting": lambda _, usage: bool(usage.long_lived_reason),
        "consent": lambda _, usage: usage.needs_consent,
        "unmanaged": lambda _, usage: not usage.file,
    }
)
"""The classes of the review, each with its question; a pipeline may fail on any of them."""
