"""Runs the enabled rules, and applies levels and waivers to their violations."""

from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from keyturn.catalog import find_code, load_catalog
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.policy.manifest_index import ManifestIndex, build_manifest_index
from keyturn.policy.resource_view import ResourceView, Waiver
from keyturn.policy.rule import Requires, Rule, RuleContext, RuleScope, Violation
from keyturn.policy.rules import (
    copied_files,
    expiry,
    hosts,
    isolation,
    long_lived_keys,
    naming,
    plaintext,
    privilege,
    rotation_age,
    secret_rules,
    tls,
)
from keyturn.policy.settings import PolicySettings, resolve_severity, suggest_code

_RULE_MODULES = (
    *(plaintext, rotation_age, naming, expiry, long_lived_keys, secret_rules),
    *(privilege, hosts, isolation, tls, copied_files),
)

RULES: tuple[Rule, ...] = tuple(
    sorted((rule for module in _RULE_MODULES for rule in module.RULES), key=lambda rule: rule.code)
)
"""All rules, sorted by code."""

_STATIC_RULES = tuple(rule for rule in RULES if rule.requires in (Requires.MANIFEST, Requires.ALL_MANIFESTS))
_REMAINING_RULES = tuple(rule for rule in RULES if rule not in _STATIC_RULES)
_SINGLE_SECRET_RULES = tuple(
    rule for rule in secret_rules.RULES if rule.requires is Requires.SECRETS and not rule.combines_secrets
)
_WAIVABLE_CODES = frozenset(rule.code for rule in RULES)


class PartialResult(Struct, frozen=True):
    """The result of the static rules: index, diagnostics, and file and code of each applied waiver."""

    index: ManifestIndex
    diagnostics: tuple[Diagnostic, ...]
    waived: frozenset[tuple[str, str]]


def run_static_rules(
    resources: Iterable[ResourceView], settings: PolicySettings, context: RuleContext
) -> PartialResult:
    """Run the rules that require neither history nor secrets."""
    index = build_manifest_index(resources, complete=context.complete)
    found, waived = _run_each(_STATIC_RULES, RuleScope(index, settings, context))
    return PartialResult(index, found, waived)


def run_remaining_rules(
    static: PartialResult, settings: PolicySettings, context: RuleContext
) -> tuple[Diagnostic, ...]:
    """Run the other rules; return the diagnostics of all rules, sorted by severity."""
    scope = RuleScope(static.index, settings, context)
    found, waived = _run_each(_REMAINING_RULES, scope)
    all_waived = waived | static.waived
    notes = (
        note for resource in static.index.resources for note in _check_waivers(resource, scope, all_waived)
    )
    return tuple(sorted((*static.diagnostics, *found, *notes), key=lambda diagnostic: diagnostic.sort_key))


def run_rules(
    resources: Iterable[ResourceView], settings: PolicySettings, context: RuleContext
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of all rules, sorted by severity, whatever the order of ``resources``."""
    return run_remaining_rules(run_static_rules(resources, settings, context), settings, context)


def run_single_secret_rules(
    resource: ResourceView, settings: PolicySettings, context: RuleContext
) -> tuple[Diagnostic, ...]:
    """Run the rules that check each decrypted secret alone."""
    index = build_manifest_index((resource,), complete=False)
    return _run_each(_SINGLE_SECRET_RULES, RuleScope(index, settings, context))[0]


def _run_each(
    rules: Iterable[Rule], scope: RuleScope
) -> tuple[tuple[Diagnostic, ...], frozenset[tuple[str, str]]]:
    waived: set[tuple[str, str]] = set()
    settings = scope.settings
    diagnostics = tuple(
        diagnostic
        for rule in rules
        if _is_enabled(rule, settings)
        for violation in rule.check(scope)
        for diagnostic in _to_diagnostics(rule, violation, settings, waived)
    )
    return diagnostics, frozenset(waived)


def _is_enabled(rule: Rule, settings: PolicySettings) -> bool:
    return (
        any(override.severity is not None or override.paths for override in settings.rules.get(rule.code, ()))
        or rule.code not in settings.rules
    )


def _to_diagnostics(
    rule: Rule, violation: Violation, settings: PolicySettings, waived: set[tuple[str, str]]
) -> Iterator[Diagnostic]:
    file = violation.resource.file if violation.resource else settings.origin.file
    severity = resolve_severity(settings, rule.code, file, rule.severity)
    if severity is None:
        return
    if violation.resource and any(_is_waived_by(waiver, rule.code) for waiver in violation.resource.waivers):
        waived.add((violation.resource.file, rule.code))
        return
    yield Diagnostic(
        code=rule.code,
        severity=severity,
        message=violation.message,
        origin=violation.find_location(settings.origin),
        hint=violation.hint or find_code(rule.code).hint,
        address=violation.resource.address if violation.resource else None,
        cause=rule.cause,
    )


def _is_waived_by(waiver: Waiver, code: str) -> bool:
    return waiver.rule == code and bool(waiver.reason.strip())


def _check_waivers(
    resource: ResourceView, scope: RuleScope, waived: Collection[tuple[str, str]]
) -> Iterator[Diagnostic]:
    for waiver in resource.waivers:
        if waiver.rule not in _WAIVABLE_CODES:
            is_known = waiver.rule in load_catalog()
            message = f"{waiver.rule} cannot be waived" if is_known else "the waiver does not name a rule"
            yield _waiver_diagnostic("KT301", Severity.ERROR, resource, waiver, message)
        elif not waiver.reason.strip():
            yield _waiver_diagnostic("KT300", Severity.ERROR, resource, waiver, "the waiver has no reason")
        elif (resource.file, waiver.rule) not in waived and _can_judge_waiver(waiver.rule, scope):
            yield _waiver_diagnostic("KT302", Severity.NOTE, resource, waiver, "the waiver has no effect")


def _can_judge_waiver(code: str, scope: RuleScope) -> bool:
    # A rule about age may have no finding today, and one in a month.
    requires = [rule.requires for rule in RULES if rule.code == code]
    return Requires.HISTORY not in requires and all(map(scope.context.can_satisfy, requires))


def _waiver_diagnostic(
    code: str, severity: Severity, resource: ResourceView, waiver: Waiver, message: str
) -> Diagnostic:
    hint = find_code(code).hint
    if waiver.rule not in load_catalog():
        hint = suggest_code(waiver.rule)
    return Diagnostic(
        code=code,
        severity=severity,
        message=message,
        origin=resource.find_location(waiver.path),
        hint=hint,
        address=resource.address,
    )
