"""Expiries: the days on which something ends, as data for rules and for the review."""

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_day, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.text_matching import safe_field_name

EXPIRY_LABEL = "expires"
"""The label under which an expiry is recorded."""

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
    """The day on which something ends: the path in the manifest, and the thing in words."""

    path: FieldPath
    day: date
    description: str


def declared_expiries(subject: ResourceView) -> Iterator[FieldExpiry]:
    """Yield what ends by the label ``expires``, by plain fields of that name, by plain certificates."""
    recorded = parse_day(subject.labels.get(EXPIRY_LABEL, ""))
    if recorded:
        yield FieldExpiry(("labels", EXPIRY_LABEL), recorded, f"what the label {EXPIRY_LABEL} records")
    for path, leaf in subject.config.items():
        if not isinstance(leaf, str):
            continue
        if _CERTIFICATE_HEADER in leaf:
            day = certificate_expiry(leaf)
            if day:
                yield FieldExpiry(path, day, f"the certificate in {safe_field_name(path)}")
        elif leaf[:2] == "20" and normalize_name(path[-1]).endswith(_EXPIRY_SUFFIXES):
            day = parse_day(leaf)
            if day:
                yield FieldExpiry(path, day, f"what {safe_field_name(path)} records")


def parse_day(text: str) -> date | None:
    """Return the day that ``text`` begins with, as ISO 8601 writes it; None where it is none."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def certificate_expiry(pem: str) -> date | None:
    """Return the last day of the certificates in ``pem`` (the newest of a bundle); None if unreadable."""
    # A tenth of a second of import, for the few manifests that hold a certificate.
    from keyturn.policy.rules import key_material  # noqa: PLC0415

    return key_material.last_certificate_day(pem)


_EXPIRING_SECRETS: tuple[FieldPath, ...] = (("client_secret",), ("sas_token",))


def past_expiry(subject: ResourceView, _: PolicySettings, today: date) -> Iterator[Violation]:
    """Find what is past its day."""
    for expiry in declared_expiries(subject):
        if expiry.day < today:
            yield expired_violation(subject, expiry)


def approaching_expiry(subject: ResourceView, settings: PolicySettings, today: date) -> Iterator[Violation]:
    """Find what ends within the days of notice."""
    for expiry in declared_expiries(subject):
        if 0 <= (expiry.day - today).days <= settings.expiry_notice_days:
            yield expiring_violation(subject, expiry, today)


def unrecorded_expiry(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find secrets of Azure that end on a day which is written nowhere."""
    if subject.type != "azure" or EXPIRY_LABEL in subject.labels:
        return
    for path in _EXPIRING_SECRETS:
        if path in subject.secret_paths and not any(declared_expiries(subject)):
            message = f"the {path[0]} expires, and no label says when"
            yield Violation(resource=subject, path=("secrets", *path), message=message, at_key=True)


def unreadable_expiry(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find a recorded expiry that is no date."""
    if EXPIRY_LABEL in subject.labels and not parse_day(subject.labels[EXPIRY_LABEL]):
        message = f"the label {EXPIRY_LABEL} is not a date"
        yield Violation(resource=subject, path=("labels", EXPIRY_LABEL), message=message)


def expired_violation(subject: ResourceView, expiry: FieldExpiry) -> Violation:
    """Return the finding that ``expiry`` is over."""
    return _expiry_violation(subject, expiry, f"{expiry.description} expired on {expiry.day.isoformat()}")


def expiring_violation(subject: ResourceView, expiry: FieldExpiry, today: date) -> Violation:
    """Return the finding that ``expiry`` is close."""
    when = format_days_until(expiry.day, today)
    return _expiry_violation(
        subject, expiry, f"{expiry.description} expires on {expiry.day.isoformat()}, {when}"
    )


def format_days_until(day: date, today: date) -> str:
    """Return how far ``day`` lies ahead, in words."""
    days = (day - today).days
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def _expiry_violation(subject: ResourceView, expiry: FieldExpiry, message: str) -> Violation:
    return Violation(resource=subject, path=expiry.path, message=message, at_key=expiry.path[0] == "secrets")


RULES = (
    on_day("KT322", Severity.ERROR, past_expiry),
    on_day("KT323", Severity.WARNING, approaching_expiry),
    on_manifest("KT324", Severity.WARNING, unrecorded_expiry),
    on_manifest("KT328", Severity.ERROR, unreadable_expiry),
)
