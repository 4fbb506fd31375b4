"""Judge: run every rule that is on, apply levels and waivers, and sort what is found."""

from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from keyturn.catalog import find_code, load_catalog
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.policy.manifest_index import ManifestIndex, build_manifest_index
from keyturn.policy.resource_view import ResourceView, Waiver
from keyturn.policy.rule import Requires, Rule, RuleContext, RuleScope, Violation
from keyturn.policy.rules import (
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
from keyturn.policy.settings import PolicySettings, effective_severity, suggest_code

_RULE_MODULES = (
    *(plaintext, rotation_age, naming, expiry, long_lived_keys, secret_rules),
    *(privilege, hosts, isolation, tls),
)

RULES: tuple[Rule, ...] = tuple(
    sorted((rule for module in _RULE_MODULES for rule in module.RULES), key=lambda rule: rule.code)
)

_STATIC_RULES = tuple(rule for rule in RULES if rule.requires in (Requires.MANIFEST, Requires.ALL_MANIFESTS))
_REMAINING_RULES = tuple(rule for rule in RULES if rule not in _STATIC_RULES)
_WAIVABLE = frozenset(rule.code for rule in RULES)


class PartialResult(Struct, frozen=True):
    """What the manifests alone show: the fleet, what was found, and which waivers lifted what, by file."""

    index: ManifestIndex
    diagnostics: tuple[Diagnostic, ...]
    waived: frozenset[tuple[str, str]]


def run_static_rules(
    subjects: Iterable[ResourceView], settings: PolicySettings, context: RuleContext
) -> PartialResult:
    """Run the rules that need no age and no secret; of ``context`` they ask nothing that comes later."""
    fleet = build_manifest_index(subjects, whole=context.complete)
    found, lifted = _run_each(_STATIC_RULES, RuleScope(fleet, settings, context))
    return PartialResult(fleet, found, lifted)


def run_remaining_rules(
    looked: PartialResult, settings: PolicySettings, context: RuleContext
) -> tuple[Diagnostic, ...]:
    """Return the findings of all rules, worst first, those included that ``look`` had found."""
    scope = RuleScope(looked.index, settings, context)
    found, lifted = _run_each(_REMAINING_RULES, scope)
    lifting = lifted | looked.waived
    notes = (note for subject in looked.index.resources for note in _check_waivers(subject, scope, lifting))
    return tuple(sorted((*looked.diagnostics, *found, *notes), key=lambda finding: finding.sort_key))


def run_rules(
    subjects: Iterable[ResourceView], settings: PolicySettings, context: RuleContext
) -> tuple[Diagnostic, ...]:
    """Return the findings of all rules, worst first; the order of ``subjects`` does not matter."""
    return run_remaining_rules(run_static_rules(subjects, settings, context), settings, context)


def _run_each(
    rules: Iterable[Rule], scope: RuleScope
) -> tuple[tuple[Diagnostic, ...], frozenset[tuple[str, str]]]:
    lifted: set[tuple[str, str]] = set()
    settings = scope.settings
    findings = tuple(
        finding
        for rule in rules
        if _is_enabled(rule, settings)
        for found in rule.check(scope)
        for finding in _to_diagnostics(rule, found, settings, lifted)
    )
    return findings, frozenset(lifted)


def _is_enabled(rule: Rule, settings: PolicySettings) -> bool:
    return (
        any(override.severity is not None or override.paths for override in settings.rules.get(rule.code, ()))
        or rule.code not in settings.rules
    )


def _to_diagnostics(
    rule: Rule, found: Violation, settings: PolicySettings, lifted: set[tuple[str, str]]
) -> Iterator[Diagnostic]:
    file = found.resource.file if found.resource else settings.origin.file
    severity = effective_severity(settings, rule.code, file, rule.severity)
    if severity is None:
        return
    if found.resource and any(_is_waived_by(waiver, rule.code) for waiver in found.resource.waivers):
        lifted.add((found.resource.file, rule.code))
        return
    yield Diagnostic(
        code=rule.code,
        severity=severity,
        message=found.message,
        origin=found.find_location(settings.origin),
        hint=found.hint or find_code(rule.code).hint,
        address=found.resource.address if found.resource else None,
        cause=rule.cause,
    )


def _is_waived_by(waiver: Waiver, code: str) -> bool:
    return waiver.rule == code and bool(waiver.reason.strip())


def _check_waivers(
    subject: ResourceView, scope: RuleScope, lifted: Collection[tuple[str, str]]
) -> Iterator[Diagnostic]:
    for waiver in subject.waivers:
        if waiver.rule not in _WAIVABLE:
            is_known = waiver.rule in load_catalog()
            what = f"{waiver.rule} cannot be waived" if is_known else "the waiver names no rule"
            yield _waiver_diagnostic("KT301", Severity.ERROR, subject, waiver, what)
        elif not waiver.reason.strip():
            yield _waiver_diagnostic("KT300", Severity.ERROR, subject, waiver, "the waiver gives no reason")
        elif (subject.file, waiver.rule) not in lifted and _can_judge_waiver(waiver.rule, scope):
            yield _waiver_diagnostic("KT302", Severity.NOTE, subject, waiver, "the waiver lifts nothing")


def _can_judge_waiver(code: str, scope: RuleScope) -> bool:
    # What time brings about may lift nothing today, and is meant for the day when it does.
    needs = [rule.requires for rule in RULES if rule.code == code]
    return Requires.HISTORY not in needs and all(map(scope.context.can_satisfy, needs))


def _waiver_diagnostic(
    code: str, severity: Severity, subject: ResourceView, waiver: Waiver, message: str
) -> Diagnostic:
    hint = find_code(code).hint
    if waiver.rule not in load_catalog():
        hint = suggest_code(waiver.rule)
    return Diagnostic(
        code=code,
        severity=severity,
        message=message,
        origin=subject.find_location(waiver.path),
        hint=hint,
        address=subject.address,
    )
