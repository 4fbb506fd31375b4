"""Ageing: how old a secret may become, and how old it is."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from keyturn.model.diagnostic import Severity, pluralize_or_none
from keyturn.model.fields import FieldPath, format_path
from keyturn.model.resource import EMPTY
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Requires, RuleContext, Violation, on_context, on_index, on_manifest
from keyturn.policy.rules.expiry import format_days_until
from keyturn.policy.settings import PolicySettings, effective_severity

_LOST_HISTORY_HINT = (
    "run `git log` here and look what it says; `keyturn plan` knows the ages that the state holds"
)


def overdue_rotation(
    fleet: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Find secrets that are older than they may be."""
    for subject, path, age, most in _secret_ages(fleet, settings, context):
        if age > most:
            message = f"{format_path(path)} last changed {age} days ago, {most} are allowed"
            yield Violation(resource=subject, path=path, message=message, at_key=True)


def rotation_due_soon(
    fleet: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Find secrets that reach their age within the days of notice."""
    for subject, path, age, most in _secret_ages(fleet, settings, context):
        if most - settings.rotation_notice_days <= age <= most:
            when = format_days_until(context.today + timedelta(most - age), context.today)
            message = f"{format_path(path)} is due for rotation {when}"
            yield Violation(resource=subject, path=path, message=message, at_key=True)


def unstated_max_age(fleet: ManifestIndex, settings: PolicySettings) -> Iterator[Violation]:
    """Count the manifests whose secrets may grow old without a word."""
    lacking = [
        subject
        for subject in fleet.resources
        if subject.secret_paths and not _allowed_days(subject, settings)
    ]
    if lacking:
        message = (
            f"nothing says how old the secrets of {pluralize_or_none(len(lacking), 'manifest')} may become"
        )
        yield Violation(message=message)


def max_age_above_policy(subject: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find manifests that allow themselves more days than the settings do."""
    if 0 < settings.max_age_days < subject.lifecycle.max_age_days:
        message = f"{subject.lifecycle.max_age_days} days are more than the {settings.max_age_days} of policy"
        yield Violation(resource=subject, path=("rotation", "max_age"), message=message)


def unknown_age(fleet: ManifestIndex, settings: PolicySettings, context: RuleContext) -> Iterator[Violation]:
    """Say that ages are unknown because history was cut or could not be read."""
    cause = context.history_error or ("history is shallow" if context.shallow_history else "")
    unknown = [
        subject
        for subject in fleet.resources
        if _allowed_days(subject, settings) and _has_undated_secret(subject, context)
    ]
    if cause and unknown:
        message = f"{cause}, so the age of the secrets of {pluralize_or_none(len(unknown), 'manifest')} is not known"
        yield Violation(message=message, hint=_LOST_HISTORY_HINT if context.history_error else "")


def effective_max_age(subject: ResourceView, settings: PolicySettings) -> int:
    """Return how many days old the secrets of a manifest may become; 0 where no rule asks."""
    on = any(
        effective_severity(settings, rule.code, subject.file, rule.severity) is not None for rule in AGE_RULES
    )
    return _allowed_days(subject, settings) if on else 0


def _secret_ages(
    fleet: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[tuple[ResourceView, FieldPath, int, int]]:
    for subject in fleet.resources:
        most = _allowed_days(subject, settings)
        changed = context.rotated.get(subject.file)
        if most and changed:
            for path, day in _change_dates(subject, changed):
                yield subject, path, (context.today - day).days, most


def _change_dates(
    subject: ResourceView, changed: Mapping[FieldPath, date]
) -> Iterator[tuple[FieldPath, date]]:
    whole = changed.get(())
    if whole and len(changed) == 1 and subject.secret_paths:
        yield ("secrets",), whole
        return
    for path in subject.secret_paths:
        day = changed.get(path, whole)
        if day:
            yield ("secrets", *path), day


def _has_undated_secret(subject: ResourceView, context: RuleContext) -> bool:
    changed = context.rotated.get(subject.file, EMPTY)
    return () not in changed and any(path not in changed for path in subject.ciphertext_digests)


def _allowed_days(subject: ResourceView, settings: PolicySettings) -> int:
    return subject.lifecycle.max_age_days or settings.max_age_days


AGE_RULES = (
    on_context("KT320", Severity.WARNING, Requires.HISTORY, overdue_rotation),
    on_context("KT321", Severity.NOTE, Requires.HISTORY, rotation_due_soon),
    on_context("KT327", Severity.NOTE, Requires.MANIFEST, unknown_age),
)
"""The rules that have to know when a secret last changed."""

RULES = (
    *AGE_RULES,
    on_index("KT325", Severity.NOTE, unstated_max_age, Requires.MANIFEST),
    on_manifest("KT326", Severity.WARNING, max_age_above_policy),
)
