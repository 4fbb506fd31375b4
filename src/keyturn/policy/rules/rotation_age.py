"""Rules about the age of secrets."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from keyturn.model.diagnostic import Severity, pluralize_or_none
from keyturn.model.fields import FieldPath, mask_path
from keyturn.model.resource import EMPTY
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Requires, RuleContext, Violation, on_context, on_index, on_manifest
from keyturn.policy.rules.expiry import format_days_until
from keyturn.policy.settings import PolicySettings, resolve_severity

_LOST_HISTORY_HINT = "run `git log` here to see the error; `keyturn plan` uses the ages in the state"


def find_overdue_rotation(
    index: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Find secrets above their maximum age."""
    for resource, path, age, max_age in _secret_ages(index, settings, context):
        if age > max_age:
            message = f"{mask_path(path)} last changed {age} days ago; the maximum is {max_age}"
            yield Violation(resource=resource, path=path, message=message, at_key=True)


def find_rotation_due_soon(
    index: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Find secrets that reach their maximum age within the days of notice."""
    for resource, path, age, max_age in _secret_ages(index, settings, context):
        if max_age - settings.rotation_notice_days <= age <= max_age:
            when = format_days_until(context.today + timedelta(max_age - age), context.today)
            message = f"{mask_path(path)} is due for rotation {when}"
            yield Violation(resource=resource, path=path, message=message, at_key=True)


def find_unstated_max_age(index: ManifestIndex, settings: PolicySettings) -> Iterator[Violation]:
    """Count the manifests with secrets and without a maximum age."""
    unlimited = [
        resource
        for resource in index.resources
        if resource.secret_paths and not _allowed_days(resource, settings)
    ]
    if unlimited:
        message = f"no maximum age is set for the secrets of {pluralize_or_none(len(unlimited), 'manifest')}"
        yield Violation(message=message)


def find_max_age_above_policy(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find manifests with a maximum age above that of the settings."""
    if 0 < settings.max_age_days < resource.lifecycle.max_age_days:
        message = (
            f"{resource.lifecycle.max_age_days} days exceed the {settings.max_age_days} days of the policy"
        )
        yield Violation(resource=resource, path=("rotation", "max_age"), message=message)


def find_unknown_age(
    index: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Report ages that are unknown because git history is shallow or unreadable."""
    cause = context.history_error or ("history is shallow" if context.shallow_history else "")
    unknown = [
        resource
        for resource in index.resources
        if _allowed_days(resource, settings) and _has_undated_secret(resource, context)
    ]
    if cause and unknown:
        count = pluralize_or_none(len(unknown), "manifest")
        message = f"{cause}, so the age of the secrets of {count} is unknown"
        yield Violation(message=message, hint=_LOST_HISTORY_HINT if context.history_error else "")


def resolve_max_age(resource: ResourceView, settings: PolicySettings) -> int:
    """Return the maximum age of the secrets of a manifest in days; 0 if all rules about age are off."""
    on = any(
        resolve_severity(settings, rule.code, resource.file, rule.severity) is not None for rule in AGE_RULES
    )
    return _allowed_days(resource, settings) if on else 0


def _secret_ages(
    index: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[tuple[ResourceView, FieldPath, int, int]]:
    for resource in index.resources:
        max_age = _allowed_days(resource, settings)
        changed = context.rotated.get(resource.file)
        if max_age and changed:
            for path, day in _change_dates(resource, changed):
                yield resource, path, (context.today - day).days, max_age


def _change_dates(
    resource: ResourceView, changed: Mapping[FieldPath, date]
) -> Iterator[tuple[FieldPath, date]]:
    default = changed.get(())
    if default and len(changed) == 1 and resource.secret_paths:
        yield ("secrets",), default
        return
    for path in resource.secret_paths:
        day = changed.get(path, default)
        if day:
            yield ("secrets", *path), day


def _has_undated_secret(resource: ResourceView, context: RuleContext) -> bool:
    changed = context.rotated.get(resource.file, EMPTY)
    return () not in changed and any(path not in changed for path in resource.ciphertext_digests)


def _allowed_days(resource: ResourceView, settings: PolicySettings) -> int:
    return resource.lifecycle.max_age_days or settings.max_age_days


AGE_RULES = (
    on_context("KT320", Severity.WARNING, Requires.HISTORY, find_overdue_rotation),
    on_context("KT321", Severity.NOTE, Requires.HISTORY, find_rotation_due_soon),
    on_context("KT327", Severity.NOTE, Requires.MANIFEST, find_unknown_age),
)
"""The rules that need the day of the last change of a secret."""

RULES = (
    *AGE_RULES,
    on_index("KT325", Severity.NOTE, find_unstated_max_age, Requires.MANIFEST),
    on_manifest("KT326", Severity.WARNING, find_max_age_above_policy),
)
