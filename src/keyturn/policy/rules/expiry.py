"""Expiry dates of credentials, as data for rules and for the usage report."""

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_day, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.text_matching import format_field_name

EXPIRY_LABEL = "expires"
"""The label that records an expiry date."""

_EXPIRY_SUFFIXES = (
    "expires",
    "expiresat",
    "expireson",
    "expiry",
    "expirydate",
    "expirationdate",
    "validuntil",
)
_CERTIFICATE_HEADER = "-----BEGIN CERTIFICATE-----"


class FieldExpiry(Struct, frozen=True):
    """The last valid day of the value at ``path`` in the manifest."""

    path: FieldPath
    day: date
    description: str


def find_declared_expiries(resource: ResourceView) -> Iterator[FieldExpiry]:
    """Yield the expiries of the label ``expires``, of plain date fields and of plain certificates."""
    recorded = parse_day(resource.labels.get(EXPIRY_LABEL, ""))
    if recorded:
        yield FieldExpiry(("labels", EXPIRY_LABEL), recorded, f"label {EXPIRY_LABEL}")
    for path, leaf in resource.config.items():
        if not isinstance(leaf, str):
            continue
        if _CERTIFICATE_HEADER in leaf:
            day = read_certificate_expiry(leaf)
            if day:
                yield FieldExpiry(path, day, f"certificate (field {format_field_name(path)})")
        elif leaf[:2] == "20" and normalize_name(path[-1]).endswith(_EXPIRY_SUFFIXES):
            day = parse_day(leaf)
            if day:
                yield FieldExpiry(path, day, f"field {format_field_name(path)}")


def parse_day(text: str) -> date | None:
    """Return the ISO 8601 date at the start of ``text``; None without one."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def read_certificate_expiry(pem: str) -> date | None:
    """Return the last valid day of the newest certificate in ``pem``; None if unreadable."""
    # The import takes 0.1 s, and few manifests have a certificate.
    from keyturn.policy.rules import key_material  # noqa: PLC0415

    return key_material.read_last_certificate_day(pem)


_EXPIRING_SECRETS: tuple[FieldPath, ...] = (("client_secret",), ("sas_token",))


def find_past_expiry(resource: ResourceView, _: PolicySettings, today: date) -> Iterator[Violation]:
    """Find expired values."""
    for expiry in find_declared_expiries(resource):
        if expiry.day < today:
            yield build_expired_violation(resource, expiry)


def find_approaching_expiry(
    resource: ResourceView, settings: PolicySettings, today: date
) -> Iterator[Violation]:
    """Find values that expire within the days of notice."""
    for expiry in find_declared_expiries(resource):
        if 0 <= (expiry.day - today).days <= settings.expiry_notice_days:
            yield build_expiring_violation(resource, expiry, today)


def find_unrecorded_expiry(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find Azure secrets that expire on a day that no label records."""
    if resource.type != "azure" or EXPIRY_LABEL in resource.labels:
        return
    for path in _EXPIRING_SECRETS:
        if path in resource.secret_paths and not any(find_declared_expiries(resource)):
            message = f"the {path[0]} expires, but no label records the date"
            yield Violation(resource=resource, path=("secrets", *path), message=message, at_key=True)


def find_unreadable_expiry(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find an expiry label that is not a date."""
    if EXPIRY_LABEL in resource.labels and not parse_day(resource.labels[EXPIRY_LABEL]):
        message = f"the label {EXPIRY_LABEL} is not a date"
        yield Violation(resource=resource, path=("labels", EXPIRY_LABEL), message=message)


def build_expired_violation(resource: ResourceView, expiry: FieldExpiry) -> Violation:
    """Return the violation of an expired value."""
    return _expiry_violation(resource, expiry, f"{expiry.description}: expired on {expiry.day.isoformat()}")


def build_expiring_violation(resource: ResourceView, expiry: FieldExpiry, today: date) -> Violation:
    """Return the violation of a value that expires soon."""
    when = format_days_until(expiry.day, today)
    return _expiry_violation(
        resource, expiry, f"{expiry.description}: expires on {expiry.day.isoformat()}, {when}"
    )


def format_days_until(day: date, today: date) -> str:
    """Format the time until ``day``: ``today``, ``tomorrow``, ``in 5 days``."""
    days = (day - today).days
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def _expiry_violation(resource: ResourceView, expiry: FieldExpiry, message: str) -> Violation:
    return Violation(resource=resource, path=expiry.path, message=message, at_key=expiry.path[0] == "secrets")


RULES = (
    on_day("KT322", Severity.ERROR, find_past_expiry),
    on_day("KT323", Severity.WARNING, find_approaching_expiry),
    on_manifest("KT324", Severity.WARNING, find_unrecorded_expiry),
    on_manifest("KT328", Severity.ERROR, find_unreadable_expiry),
)
