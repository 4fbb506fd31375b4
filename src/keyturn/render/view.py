r"""What is shown of a plan, decided once: risk first, then counts, then details.

The last line of every drawing is meant to be parsed::

    Plan: 2 to create, 1 to update, 3 to rotate, 0 to rename, 1 to restore, 1 to retire. 4 need attention.

The six counts are always there, in this order. ``N to replace``, ``N to adopt`` and ``N to forget``
follow, in this order, where they are not 0. Where nothing would be done it is ``No changes. The
workspace matches the manifests.``, or ``What can be compared matches the manifests.`` where a secret
is in doubt, or ``The workspace was not read.`` for an offline plan; ``N need attention.`` follows only
where N is not 0. One *needs* attention::

    ^(Plan: \d+ to \w+(, \d+ to \w+){5,8}|No changes\. [^.]+)\.( (\d+) needs? attention\.)?$
"""

from collections.abc import Iterator
from typing import Final

from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.plan import Plan
from keyturn.render.parts import PlanEntry, DependencyLink, SectionKind, PlanSection, PlanView
from keyturn.render.sections import build_entries

SECTION_TITLES: Final = {
    SectionKind.EXPOSURE: "EXPOSES SECRET TO NEW DESTINATION",
    SectionKind.ACCESS: "Access: who can decrypt, and what guards the project",
    SectionKind.RETIRE: "Retire",
    SectionKind.REPLACE: "Replace",
    SectionKind.ROTATE: "Rotate",
    SectionKind.RESTORE: "Restore",
    SectionKind.RENAME: "Rename",
    SectionKind.CREATE: "Create",
    SectionKind.UPDATE: "Update",
    SectionKind.ADOPT: "Adopt",
    SectionKind.FORGET: "Forget",
    SectionKind.UNCERTAIN: "In doubt",
    SectionKind.MANUAL: "By hand",
    SectionKind.DIAGNOSTIC: "Findings",
}
"""What each class is called."""

_ALWAYS_COUNTED: Final = (
    Action.CREATE,
    Action.UPDATE,
    Action.ROTATE,
    Action.RENAME,
    Action.RESTORE,
    Action.RETIRE,
)
_COUNTED_IF_PRESENT: Final = (Action.REPLACE, Action.ADOPT, Action.FORGET)
_ACTION_WORDS: Final = {Action.NO_OP: "in doubt"}
_REPEATED_KINDS: Final = frozenset({SectionKind.EXPOSURE, SectionKind.ACCESS, SectionKind.RETIRE, SectionKind.REPLACE})


def build_view(plan: Plan) -> PlanView:
    """Return what is shown of a plan; the same plan gives the same view."""
    sections = _build_sections(plan)
    return PlanView(
        workspace=plan.workspace,
        organization=plan.organization,
        sections=sections,
        repeated=tuple(
            entry for section in sections if section.kind in _REPEATED_KINDS for entry in section.entries
        ),
        counts=count_actions(plan),
        attention_count=count_attention(plan),
        error_count=len(plan.blocking_diagnostics),
        summary=format_plan_summary(plan),
        approve_command="" if plan.is_empty or plan.blocking_diagnostics or plan.offline or plan.partial else _format_approval(plan),
        requests=plan.requests,
        pace=plan.requests_per_second,
        resources=plan.resources,
        offline=plan.offline,
        links=tuple(dict.fromkeys(_build_links(plan))),
        node_marks={
            str(change.address): "exposed"
            if change.exposures
            else _ACTION_WORDS.get(change.action, change.action.value)
            for change in plan.changes
        },
    )


def count_actions(plan: Plan) -> dict[str, int]:
    """Return how many changes there are of each action, by its word, in the summary's order."""
    found = plan.count_by_action()
    return {action.value: found.get(action, 0) for action in (*_ALWAYS_COUNTED, *_COUNTED_IF_PRESENT)}


def count_attention(plan: Plan) -> int:
    """Return how many things ask for a person.

    A resource counts once, however many exposures, manual steps and findings (errors and warnings)
    it has; so does each line on access and each finding that names no resource.
    """
    exposed = {change.address for change in plan.changes if change.exposures or change.is_consent_needed}
    grave = [finding for finding in plan.diagnostics if finding.severity is not Severity.NOTE]
    return len(exposed | set(map(_attention_key, (*plan.access_changes, *grave))))


def format_plan_summary(plan: Plan) -> str:
    """Return the parseable last line; its grammar stands at the head of this module."""
    number = count_attention(plan)
    calls = f" {number:d} need{'s' if number == 1 else ''} attention."
    if plan.is_empty:
        state = "The workspace matches the manifests."
        if plan.offline:
            state = "The workspace was not read."
        elif plan.changes:
            state = "What can be compared matches the manifests."
        return f"No changes. {state}{calls if number else ''}"
    found = plan.count_by_action()
    shown = [*_ALWAYS_COUNTED, *(action for action in _COUNTED_IF_PRESENT if found.get(action))]
    return f"Plan: {', '.join(f'{found.get(action, 0)} to {action.value}' for action in shown)}.{calls}"


def _format_approval(plan: Plan) -> str:
    return f"keyturn apply --approve {plan.approval_digest()}"


def _build_sections(plan: Plan) -> tuple[PlanSection, ...]:
    grouped: dict[SectionKind, list[PlanEntry]] = {}
    for part, entry in build_entries(plan):
        grouped.setdefault(part, []).append(entry)
    return tuple(
        PlanSection(kind=part, title=SECTION_TITLES[part], tone=grouped[part][0].tone, entries=tuple(grouped[part]))
        for part in SectionKind
        if part in grouped
    )


def _attention_key(diagnostic: Diagnostic) -> object:
    return diagnostic.address or (diagnostic.code, diagnostic.origin, diagnostic.message)


def _build_links(plan: Plan) -> Iterator[DependencyLink]:
    reached = [impact for address, impact in plan.impact.items() if address.kind == "connection"]
    placed = {work for impact in reached for work in impact.downstream}
    for change in plan.changes:
        for used in _find_references(change):
            yield DependencyLink(str(used), str(change.address))
    for address, impact in sorted(plan.impact.items()):
        for name in (*impact.managed_connections, *impact.unmanaged_connections):
            yield DependencyLink(str(address), name)
        through = address.kind == "connection"
        yield from (DependencyLink(str(address), work) for work in impact.downstream if through or work not in placed)


def _find_references(change: Change) -> list[Address]:
    sides = [change.desired.fields if change.desired else {}, change.entry.applied if change.entry else {}]
    return sorted({leaf for side in sides for leaf in side.values() if isinstance(leaf, Address)})
