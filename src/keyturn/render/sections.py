"""The sections of a view: which entries each class of a plan has, and what each of them says."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from keyturn.core.change import Action, Change, Exposure, FieldChange
from keyturn.core.counting import pluralize
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.fields import format_path, values_equal
from keyturn.core.plan import Plan
from keyturn.render.parts import DetailRow, PlanEntry, FieldRow, NoteRow, SectionKind, SecretRow, Tone
from keyturn.render.phrases import describe_breakage, join_names, describe_reach, describe_rotation
from keyturn.render.values import NOT_SET, format_pair, format_value

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
