"""Ageing: how old a secret may become, and how old it is."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from keyturn.core.counting import counted
from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Path, dotted
from keyturn.core.resource import EMPTY
from keyturn.policy.fleet import Fleet
from keyturn.policy.rule import Context, Found, Needs, on_context, on_fleet, on_manifest
from keyturn.policy.rules.expiry import until
from keyturn.policy.settings import Settings, level
from keyturn.policy.subject import Subject

_LOST = "run `git log` here and look what it says; `keyturn plan` knows the ages that the ledger holds"


def overdue(fleet: Fleet, settings: Settings, context: Context) -> Iterator[Found]:
    """Find secrets that are older than they may be."""
    for subject, path, age, most in _ages(fleet, settings, context):
        if age > most:
            message = f"{dotted(path)} last changed {age} days ago, {most} are allowed"
            yield Found(subject=subject, path=path, message=message, key=True)


def due_soon(fleet: Fleet, settings: Settings, context: Context) -> Iterator[Found]:
    """Find secrets that reach their age within the days of notice."""
    for subject, path, age, most in _ages(fleet, settings, context):
        if most - settings.soon_days <= age <= most:
            when = until(context.today + timedelta(most - age), context.today)
            message = f"{dotted(path)} is due for rotation {when}"
            yield Found(subject=subject, path=path, message=message, key=True)


def unstated(fleet: Fleet, settings: Settings) -> Iterator[Found]:
    """Count the manifests whose secrets may grow old without a word."""
    lacking = [
        subject for subject in fleet.subjects if subject.secret_paths and not _allowed(subject, settings)
    ]
    if lacking:
        message = f"nothing says how old the secrets of {counted(len(lacking), 'manifest')} may become"
        yield Found(message=message)


def longer_than_policy(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find manifests that allow themselves more days than the settings do."""
    if 0 < settings.max_age_days < subject.lifecycle.max_age_days:
        message = f"{subject.lifecycle.max_age_days} days are more than the {settings.max_age_days} of policy"
        yield Found(subject=subject, path=("rotation", "max_age"), message=message)


def unknown_age(fleet: Fleet, settings: Settings, context: Context) -> Iterator[Found]:
    """Say that ages are unknown because history was cut or could not be read."""
    cause = context.lost or ("history is shallow" if context.shallow else "")
    unknown = [
        subject for subject in fleet.subjects if _allowed(subject, settings) and _undated(subject, context)
    ]
    if cause and unknown:
        message = f"{cause}, so the age of the secrets of {counted(len(unknown), 'manifest')} is not known"
        yield Found(message=message, hint=_LOST if context.lost else "")


def asked(subject: Subject, settings: Settings) -> int:
    """Return how many days old the secrets of a manifest may become; 0 where no rule asks."""
    on = any(level(settings, rule.code, subject.file, rule.severity) is not None for rule in BY_AGE)
    return _allowed(subject, settings) if on else 0


def _ages(fleet: Fleet, settings: Settings, context: Context) -> Iterator[tuple[Subject, Path, int, int]]:
    for subject in fleet.subjects:
        most = _allowed(subject, settings)
        changed = context.rotated.get(subject.file)
        if most and changed:
            for path, day in _dated(subject, changed):
                yield subject, path, (context.today - day).days, most


def _dated(subject: Subject, changed: Mapping[Path, date]) -> Iterator[tuple[Path, date]]:
    whole = changed.get(())
    if whole and len(changed) == 1 and subject.secret_paths:
        yield ("secrets",), whole
        return
    for path in subject.secret_paths:
        day = changed.get(path, whole)
        if day:
            yield ("secrets", *path), day


def _undated(subject: Subject, context: Context) -> bool:
    changed = context.rotated.get(subject.file, EMPTY)
    return () not in changed and any(path not in changed for path in subject.ciphers)


def _allowed(subject: Subject, settings: Settings) -> int:
    return subject.lifecycle.max_age_days or settings.max_age_days


BY_AGE = (
    on_context("KT320", Severity.WARNING, Needs.HISTORY, overdue),
    on_context("KT321", Severity.NOTE, Needs.HISTORY, due_soon),
    on_context("KT327", Severity.NOTE, Needs.MANIFEST, unknown_age),
)
"""The rules that have to know when a secret last changed."""

RULES = (
    *BY_AGE,
    on_fleet("KT325", Severity.NOTE, unstated, Needs.MANIFEST),
    on_manifest("KT326", Severity.WARNING, longer_than_policy),
)
