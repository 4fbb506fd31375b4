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
from itertools import groupby
from typing import Final

from keyturn.model.address import Address
from keyturn.model.change import Action, Change, Exposure, FieldChange
from keyturn.model.diagnostic import Cause, Diagnostic, Severity, pluralize
from keyturn.model.fields import format_path, values_equal
from keyturn.model.plan import Plan
from keyturn.views.diagram import DependencyLink
from keyturn.views.plan.model import (
    DetailRow,
    FieldRow,
    NoteRow,
    PlanEntry,
    PlanSection,
    PlanView,
    SecretRow,
    SectionKind,
)
from keyturn.views.plan.wording import describe_breakage, describe_reach, describe_rotation, join_names
from keyturn.views.terminal import Tone
from keyturn.views.values import NOT_SET, format_pair, format_value

ACTION_STYLES: Final = {
    Action.RETIRE: (SectionKind.RETIRE, "-", Tone.DANGER),
    Action.REPLACE: (SectionKind.REPLACE, "±", Tone.DANGER),
    Action.ROTATE: (SectionKind.ROTATE, "↻", Tone.WARNING),
    Action.RESTORE: (SectionKind.RESTORE, "^", Tone.SUCCESS),
    Action.RENAME: (SectionKind.RENAME, "→", Tone.CHANGE),
    Action.CREATE: (SectionKind.CREATE, "+", Tone.SUCCESS),
    Action.UPDATE: (SectionKind.UPDATE, "~", Tone.CHANGE),
    Action.ADOPT: (SectionKind.ADOPT, "=", Tone.MUTED),
    Action.FORGET: (SectionKind.FORGET, ".", Tone.MUTED),
    Action.NO_OP: (SectionKind.UNCERTAIN, "?", Tone.WARNING),
}
"""The class, the symbol and the tone of each action."""

_ACTIONS_WITHOUT_IMPACT: Final = frozenset({Action.CREATE, Action.FORGET, Action.NO_OP})
_REMOVING_ACTIONS: Final = frozenset({Action.RETIRE, Action.REPLACE})
_SEVERITY_STYLES: Final = {
    Severity.ERROR: ("✗", "error", Tone.DANGER),
    Severity.WARNING: ("!", "warning", Tone.WARNING),
    Severity.NOTE: ("·", "note", Tone.MUTED),
}


def build_entries(plan: Plan) -> Iterator[tuple[SectionKind, PlanEntry]]:
    """Yield every entry of a plan with its class; within a class in the order of the plan."""
    refused = {finding.address for finding in plan.diagnostics if finding.cause is Cause.NEW_DESTINATION}
    for change in plan.changes:
        for exposure in _build_exposure_entries(change, refused=change.address in refused):
            yield SectionKind.EXPOSURE, exposure
        yield ACTION_STYLES[change.action][0], _build_change_entry(change, plan)
    for alike in _group_diagnostics(plan.access_changes):
        yield SectionKind.ACCESS, diagnostic_entry(alike)
    for alike in _group_diagnostics(plan.diagnostics):
        is_manual = alike[0].cause is Cause.CONSENT_NEEDED
        yield SectionKind.MANUAL if is_manual else SectionKind.DIAGNOSTIC, diagnostic_entry(alike)


def _group_diagnostics(diagnostics: tuple[Diagnostic, ...]) -> Iterator[tuple[Diagnostic, ...]]:
    # One rule broken in three hundred manifests is one thing to read.
    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    for each in diagnostics:
        groups.setdefault((each.code, each.severity, each.message, each.hint), []).append(each)
    yield from map(tuple, groups.values())


def diagnostic_entry(alike: tuple[Diagnostic, ...]) -> PlanEntry:
    """Return the entry of one finding, or of several that say the same of different places."""
    first, places = alike[0], tuple(dict.fromkeys(str(each.origin) for each in alike))
    symbol, grade, tone = _SEVERITY_STYLES[first.severity]
    several = len(places) > 1
    details = [NoteRow("fix", first.hint)] if first.hint else []
    return PlanEntry(
        symbol=symbol,
        label=f"{first.code} {grade}",
        headline=f"{first.message} (in {pluralize(len(places), 'place')})" if several else first.message,
        tone=tone,
        location="" if several else places[0],
        details=(*details, *([NoteRow("places", join_names(places))] if several else [])),
        count=len(alike),
    )


def _build_exposure_entries(change: Change, *, refused: bool) -> Iterator[PlanEntry]:
    for credential, group in groupby(change.exposures, key=lambda exposure: exposure.address):
        through = "" if credential == change.address else f", through {change.address}"
        verdict = (
            f"refused unless agreed to with --allow-destination-change {credential.name}"
            if refused
            else "agreed to by name"
        )
        stays = [
            SecretRow(format_path(each.path), each.status.value, each.reason)
            for each in change.secrets
            if credential == change.address
        ]
        rows = tuple(map(_build_destination_row, group))
        yield PlanEntry(
            symbol="!",
            label=str(credential),
            headline=f"its secret stays while {_describe_moves(rows)}{through}",
            tone=Tone.DANGER,
            location=_find_manifest_file(change),
            details=(*rows, *stays, NoteRow("consent", verdict)),
        )


def _describe_moves(rows: tuple[FieldRow, ...]) -> str:
    if len(rows) == 1:
        return f"{rows[0].path} changes: {rows[0].before} → {rows[0].after}"
    return f"its destination changes: {join_names(tuple(row.path for row in rows))}"


def _build_destination_row(exposure: Exposure) -> FieldRow:
    before, after = format_pair(exposure.path, exposure.before, exposure.after)
    return FieldRow(path=format_path(exposure.path), mark="~", before=before, after=after)


def _build_change_entry(change: Change, plan: Plan) -> PlanEntry:
    _, symbol, tone = ACTION_STYLES[change.action]
    return PlanEntry(
        symbol=symbol,
        label=str(change.address),
        headline=_format_headline(change),
        tone=tone,
        location=_find_manifest_file(change),
        details=tuple(_build_details(change, plan)),
    )


def _format_headline(change: Change) -> str:
    renamed = f"renamed from {change.renamed_from}" if change.renamed_from else ""
    return "; ".join(filter(None, (renamed, change.reason)))


def _find_manifest_file(change: Change) -> str:
    return change.desired.origin.file if change.desired else ""


def _build_details(change: Change, plan: Plan) -> Iterator[DetailRow]:
    impact = plan.impact.get(change.address)
    if change.desired and change.live and change.desired.type != change.live.type:
        yield FieldRow(path="type", mark="~", before=change.live.type, after=change.desired.type)
    for secret in change.secrets:
        yield SecretRow(format_path(secret.path), secret.status.value, secret.reason)
    for field in change.fields:
        yield _build_field_row(field)
    if change.entry and change.entry.retired_at and change.action is Action.RESTORE:
        yield NoteRow("retired", f"on {change.entry.retired_at[:10]}")
    if impact or change.action not in _ACTIONS_WITHOUT_IMPACT:
        yield NoteRow("reach", describe_reach(change, impact))
    if change.action in _REMOVING_ACTIONS:
        yield from describe_breakage(change, impact)
    if change.action is Action.ROTATE:
        yield from describe_rotation(change, impact)


def _build_field_row(field: FieldChange) -> FieldRow:
    before, after = format_pair(field.path, field.live, field.desired)
    if values_equal(field.live, field.desired):
        after = f"{after}, under a new id"
    mark = "+" if before == NOT_SET else "-" if after == NOT_SET else "~"
    applied = format_value(field.path, field.applied) if field.has_drifted else ""
    return FieldRow(path=format_path(field.path), mark=mark, before=before, after=after, applied=applied)


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
_REPEATED_KINDS: Final = frozenset(
    {SectionKind.EXPOSURE, SectionKind.ACCESS, SectionKind.RETIRE, SectionKind.REPLACE}
)


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
        approve_command=""
        if plan.is_empty or plan.blocking_diagnostics or plan.offline or plan.partial
        else _format_approval(plan),
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
        PlanSection(
            kind=part, title=SECTION_TITLES[part], tone=grouped[part][0].tone, entries=tuple(grouped[part])
        )
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
        yield from (
            DependencyLink(str(address), work) for work in impact.downstream if through or work not in placed
        )


def _find_references(change: Change) -> list[Address]:
    sides = [change.desired.fields if change.desired else {}, change.entry.applied if change.entry else {}]
    return sorted({leaf for side in sides for leaf in side.values() if isinstance(leaf, Address)})
