"""Judge: run every rule that is on, apply levels and waivers, and sort what is found."""

from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from keyturn.catalog import find_code, load_catalog
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.policy.fleet import Fleet, assemble
from keyturn.policy.registry import RULES
from keyturn.policy.rule import Context, Found, Needs, Rule, Scope
from keyturn.policy.settings import Settings, level, nearest_code
from keyturn.policy.subject import Subject, Waiver

_OPEN = tuple(rule for rule in RULES if rule.needs in (Needs.MANIFEST, Needs.FLEET))
_LATER = tuple(rule for rule in RULES if rule not in _OPEN)
_WAIVABLE = frozenset(rule.code for rule in RULES)


class Looked(Struct, frozen=True):
    """What the manifests alone show: the fleet, what was found, and which waivers lifted what, by file."""

    fleet: Fleet
    findings: tuple[Diagnostic, ...]
    lifted: frozenset[tuple[str, str]]


def look(subjects: Iterable[Subject], settings: Settings, context: Context) -> Looked:
    """Run the rules that need no age and no secret; of ``context`` they ask nothing that comes later."""
    fleet = assemble(subjects, whole=context.whole)
    found, lifted = _run(_OPEN, Scope(fleet, settings, context))
    return Looked(fleet, found, lifted)


def conclude(looked: Looked, settings: Settings, context: Context) -> tuple[Diagnostic, ...]:
    """Return the findings of all rules, worst first, those included that ``look`` had found."""
    scope = Scope(looked.fleet, settings, context)
    found, lifted = _run(_LATER, scope)
    lifting = lifted | looked.lifted
    notes = (note for subject in looked.fleet.subjects for note in _waivers(subject, scope, lifting))
    return tuple(sorted((*looked.findings, *found, *notes), key=lambda finding: finding.rank))


def judge(subjects: Iterable[Subject], settings: Settings, context: Context) -> tuple[Diagnostic, ...]:
    """Return the findings of all rules, worst first; the order of ``subjects`` does not matter."""
    return conclude(look(subjects, settings, context), settings, context)


def _run(rules: Iterable[Rule], scope: Scope) -> tuple[tuple[Diagnostic, ...], frozenset[tuple[str, str]]]:
    lifted: set[tuple[str, str]] = set()
    settings = scope.settings
    findings = tuple(
        finding
        for rule in rules
        if _on(rule, settings)
        for found in rule.check(scope)
        for finding in _weighed(rule, found, settings, lifted)
    )
    return findings, frozenset(lifted)


def _on(rule: Rule, settings: Settings) -> bool:
    return (
        any(override.level is not None or override.paths for override in settings.rules.get(rule.code, ()))
        or rule.code not in settings.rules
    )


def _weighed(
    rule: Rule, found: Found, settings: Settings, lifted: set[tuple[str, str]]
) -> Iterator[Diagnostic]:
    file = found.subject.file if found.subject else settings.place.file
    severity = level(settings, rule.code, file, rule.severity)
    if severity is None:
        return
    if found.subject and any(_lifts(waiver, rule.code) for waiver in found.subject.waivers):
        lifted.add((found.subject.file, rule.code))
        return
    yield Diagnostic(
        code=rule.code,
        severity=severity,
        message=found.message,
        origin=found.origin(settings.place),
        hint=found.hint or find_code(rule.code).hint,
        address=found.subject.address if found.subject else None,
        cause=rule.cause,
    )


def _lifts(waiver: Waiver, code: str) -> bool:
    return waiver.rule == code and bool(waiver.reason.strip())


def _waivers(subject: Subject, scope: Scope, lifted: Collection[tuple[str, str]]) -> Iterator[Diagnostic]:
    for waiver in subject.waivers:
        if waiver.rule not in _WAIVABLE:
            is_known = waiver.rule in load_catalog()
            what = f"{waiver.rule} cannot be waived" if is_known else "the waiver names no rule"
            yield _meta("KT301", Severity.ERROR, subject, waiver, what)
        elif not waiver.reason.strip():
            yield _meta("KT300", Severity.ERROR, subject, waiver, "the waiver gives no reason")
        elif (subject.file, waiver.rule) not in lifted and _checked(waiver.rule, scope):
            yield _meta("KT302", Severity.NOTE, subject, waiver, "the waiver lifts nothing")


def _checked(code: str, scope: Scope) -> bool:
    # What time brings about may lift nothing today, and is meant for the day when it does.
    needs = [rule.needs for rule in RULES if rule.code == code]
    return Needs.HISTORY not in needs and all(map(scope.context.provides, needs))


def _meta(code: str, severity: Severity, subject: Subject, waiver: Waiver, message: str) -> Diagnostic:
    hint = find_code(code).hint
    if waiver.rule not in load_catalog():
        hint = nearest_code(waiver.rule)
    return Diagnostic(
        code=code,
        severity=severity,
        message=message,
        origin=subject.origin(waiver.path),
        hint=hint,
        address=subject.address,
    )
