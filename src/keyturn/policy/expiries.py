"""Expiries: the days on which something ends, as data for rules and for the review."""

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from keyturn.core.fields import Path
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import say

LABEL = "expires"
"""The label under which an expiry is recorded."""

_ENDS = ("expires", "expiresat", "expireson", "expiry", "expirydate", "expirationdate", "validuntil")
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


class Expiry(Struct, frozen=True):
    """The day on which something ends: the path in the manifest, and the thing in words."""

    path: Path
    day: date
    what: str


def declared(subject: Subject) -> Iterator[Expiry]:
    """Yield what ends by the label ``expires``, by plain fields of that name, by plain certificates."""
    recorded = readable(subject.labels.get(LABEL, ""))
    if recorded:
        yield Expiry(("labels", LABEL), recorded, f"what the label {LABEL} records")
    for path, leaf in subject.config.items():
        if not isinstance(leaf, str):
            continue
        if _CERTIFICATE in leaf:
            day = certificate_day(leaf)
            if day:
                yield Expiry(path, day, f"the certificate in {say(path)}")
        elif leaf[:2] == "20" and fold(path[-1]).endswith(_ENDS):
            day = readable(leaf)
            if day:
                yield Expiry(path, day, f"what {say(path)} records")


def readable(text: str) -> date | None:
    """Return the day that ``text`` begins with, as ISO 8601 writes it; None where it is none."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def certificate_day(pem: str) -> date | None:
    """Return the last day of the certificates in ``pem`` (the newest of a bundle); None if unreadable."""
    # A tenth of a second of import, for the few manifests that hold a certificate.
    from keyturn.policy import keys  # noqa: PLC0415

    return keys.last_day(pem)
