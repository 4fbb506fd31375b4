"""Expiries: the days on which something ends, as data for rules and for the review."""

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from keyturn.core.fields import FieldPath
from keyturn.policy.spelling import normalize_name
from keyturn.policy.subject import ResourceView
from keyturn.policy.words import safe_field_name

EXPIRY_LABEL = "expires"
"""The label under which an expiry is recorded."""

_EXPIRY_SUFFIXES = ("expires", "expiresat", "expireson", "expiry", "expirydate", "expirationdate", "validuntil")
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
    from keyturn.policy import keys  # noqa: PLC0415

    return keys.last_certificate_day(pem)
