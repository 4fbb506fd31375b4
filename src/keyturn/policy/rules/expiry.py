"""Expiry: what ends on a certain day, as far as it is written in the open."""

from collections.abc import Iterator
from datetime import date

from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Path
from keyturn.policy.expiries import LABEL, Expiry, declared, readable
from keyturn.policy.rule import Found, on_day, on_manifest
from keyturn.policy.settings import Settings
from keyturn.policy.subject import Subject

_ENDING: tuple[Path, ...] = (("client_secret",), ("sas_token",))


def expired(subject: Subject, _: Settings, today: date) -> Iterator[Found]:
    """Find what is past its day."""
    for expiry in declared(subject):
        if expiry.day < today:
            yield past(subject, expiry)


def expires_soon(subject: Subject, settings: Settings, today: date) -> Iterator[Found]:
    """Find what ends within the days of notice."""
    for expiry in declared(subject):
        if 0 <= (expiry.day - today).days <= settings.expiry_days:
            yield near(subject, expiry, today)


def unrecorded(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find secrets of Azure that end on a day which is written nowhere."""
    if subject.type != "azure" or LABEL in subject.labels:
        return
    for path in _ENDING:
        if path in subject.secret_paths and not any(declared(subject)):
            message = f"the {path[0]} expires, and no label says when"
            yield Found(subject=subject, path=("secrets", *path), message=message, key=True)


def unreadable(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find a recorded expiry that is no date."""
    if LABEL in subject.labels and not readable(subject.labels[LABEL]):
        message = f"the label {LABEL} is not a date"
        yield Found(subject=subject, path=("labels", LABEL), message=message)


def past(subject: Subject, expiry: Expiry) -> Found:
    """Return the finding that ``expiry`` is over."""
    return _at(subject, expiry, f"{expiry.what} expired on {expiry.day.isoformat()}")


def near(subject: Subject, expiry: Expiry, today: date) -> Found:
    """Return the finding that ``expiry`` is close."""
    when = until(expiry.day, today)
    return _at(subject, expiry, f"{expiry.what} expires on {expiry.day.isoformat()}, {when}")


def until(day: date, today: date) -> str:
    """Return how far ``day`` lies ahead, in words."""
    days = (day - today).days
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def _at(subject: Subject, expiry: Expiry, message: str) -> Found:
    return Found(subject=subject, path=expiry.path, message=message, key=expiry.path[0] == "secrets")


RULES = (
    on_day("KT322", Severity.ERROR, expired),
    on_day("KT323", Severity.WARNING, expires_soon),
    on_manifest("KT324", Severity.WARNING, unrecorded),
    on_manifest("KT328", Severity.ERROR, unreadable),
)
