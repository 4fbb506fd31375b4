r"""Builds the view of a plan: the content of the text, Markdown and HTML formats, most risky first.

The last line of these formats is the summary, which a program can parse::

    Plan: 2 to create, 1 to rotate. 1 needs attention.

It has the counts that are not 0, in this order: create, update, rotate, rename, restore, retire,
replace, adopt, forget. A plan without changes has ``No changes. The workspace matches the manifests.``;
``No changes. Everything that can be compared matches the manifests.`` if a secret may have changed out
of band; ``No changes. The workspace was not read.`` if it is offline::

    ^(Plan: \d+ to \w+(, \d+ to \w+)*|No changes\. [^.]+)\.( (\d+) needs? attention\.)?$
"""

import shlex
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from keyturn.catalog import find_code
from keyturn.model.address import Address
from keyturn.model.change import Action, Change, Exposure, FieldChange
from keyturn.model.diagnostic import Cause, Diagnostic, Severity, pluralize
from keyturn.model.fields import format_path, mask_path, values_equal
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
from keyturn.views.plan.wording import (
    describe_base,
    describe_breakage,
    describe_impact,
    describe_rotation,
    join_names,
)
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
"""The section, the symbol and the tone of each action."""

_ACTIONS_WITHOUT_IMPACT: Final = frozenset({Action.CREATE, Action.FORGET, Action.NO_OP})
_REMOVING_ACTIONS: Final = frozenset({Action.RETIRE, Action.REPLACE})
_SEVERITY_STYLES: Final = {
    Severity.ERROR: ("✗", "error", Tone.DANGER),
    Severity.WARNING: ("!", "warning", Tone.WARNING),
    Severity.NOTE: ("·", "note", Tone.MUTED),
}


def build_entries(plan: Plan) -> Iterator[tuple[SectionKind, PlanEntry]]:
    """Yield every entry of a plan with its section; within a section in the order of the plan."""
    unapproved = {each.address for each in plan.diagnostics if each.cause is Cause.NEW_DESTINATION}
    for change in plan.changes:
        for exposure in _build_exposure_entries(change, approved=change.address not in unapproved):
            yield SectionKind.EXPOSURE, exposure
        yield ACTION_STYLES[change.action][0], _build_change_entry(change, plan)
    for group in _group_diagnostics(plan.access_changes):
        yield SectionKind.ACCESS, diagnostic_entry(group)
    for group in _group_diagnostics(plan.diagnostics):
        is_manual = group[0].cause is Cause.CONSENT_NEEDED
        yield SectionKind.MANUAL if is_manual else SectionKind.DIAGNOSTIC, diagnostic_entry(group)


def _group_diagnostics(diagnostics: tuple[Diagnostic, ...]) -> Iterator[tuple[Diagnostic, ...]]:
    # A rule that many manifests break is one entry.
    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    for each in diagnostics:
        groups.setdefault((each.code, each.severity, each.message, each.hint), []).append(each)
    yield from map(tuple, groups.values())


def diagnostic_entry(group: tuple[Diagnostic, ...]) -> PlanEntry:
    """Return the entry of diagnostics that differ only in their location."""
    first, locations = group[0], tuple(dict.fromkeys(str(each.origin) for each in group))
    symbol, severity, tone = _SEVERITY_STYLES[first.severity]
    several = len(locations) > 1
    details = [NoteRow("fix", first.hint)] if first.hint else []
    if several:
        details.append(NoteRow("locations", join_names(locations)))
    return PlanEntry(
        symbol=symbol,
        label=f"{first.code} {severity}",
        headline=f"{first.message} (in {pluralize(len(locations), 'location')})"
        if several
        else first.message,
        tone=tone,
        location="" if several else locations[0],
        details=tuple(details),
        count=len(group),
    )


def _build_exposure_entries(change: Change, *, approved: bool) -> Iterator[PlanEntry]:
    for credential, group in groupby(change.exposures, key=lambda exposure: exposure.address):
        through = "" if credential == change.address else f", through {change.address}"
        approval = (
            "given by name"
            if approved
            else f"missing: to allow this, pass --allow-destination-change {credential.name}"
        )
        secrets = [
            SecretRow(mask_path(each.path), each.status.value, each.reason)
            for each in change.secrets
            if credential == change.address
        ]
        rows = tuple(map(_build_destination_row, group))
        yield PlanEntry(
            symbol="!",
            label=str(credential),
            headline=f"keeps its secret while {_describe_destinations(rows)}{through}",
            tone=Tone.DANGER,
            location=_find_manifest_file(change),
            details=(*rows, *secrets, NoteRow("approval", approval)),
        )


def _describe_destinations(rows: tuple[FieldRow, ...]) -> str:
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
        yield SecretRow(mask_path(secret.path), secret.status.value, secret.reason)
    for field in change.fields:
        yield _build_field_row(field)
    if change.entry and change.entry.retired_at and change.action is Action.RESTORE:
        yield NoteRow("retired", f"on {change.entry.retired_at[:10]}")
    if impact or change.action not in _ACTIONS_WITHOUT_IMPACT:
        yield NoteRow("impact", describe_impact(change, impact, offline=plan.offline))
    if change.action in _REMOVING_ACTIONS:
        yield from describe_breakage(change, impact)
    if change.action is Action.ROTATE:
        yield from describe_rotation(change, impact)


def _build_field_row(field: FieldChange) -> FieldRow:
    before, after = format_pair(field.path, field.live, field.desired)
    if values_equal(field.live, field.desired):
        after = f"{after}, with a new ID"
    mark = "+" if before == NOT_SET else "-" if after == NOT_SET else "~"
    applied = format_value(field.path, field.applied) if field.has_drifted else ""
    return FieldRow(path=format_path(field.path), mark=mark, before=before, after=after, applied=applied)


SECTION_TITLES: Final = {
    SectionKind.EXPOSURE: "EXPOSES SECRET TO NEW DESTINATION",
    SectionKind.ACCESS: "Access and policy changes",
    SectionKind.RETIRE: "Retire",
    SectionKind.REPLACE: "Replace",
    SectionKind.ROTATE: "Rotate",
    SectionKind.RESTORE: "Restore",
    SectionKind.RENAME: "Rename",
    SectionKind.CREATE: "Create",
    SectionKind.UPDATE: "Update",
    SectionKind.ADOPT: "Adopt",
    SectionKind.FORGET: "Forget",
    SectionKind.UNCERTAIN: "Possible out-of-band secret changes",
    SectionKind.MANUAL: "Manual steps",
    SectionKind.DIAGNOSTIC: "Findings",
}
"""The title of each section."""

_COUNTED_ACTIONS: Final = (
    Action.CREATE,
    Action.UPDATE,
    Action.ROTATE,
    Action.RENAME,
    Action.RESTORE,
    Action.RETIRE,
    Action.REPLACE,
    Action.ADOPT,
    Action.FORGET,
)
_ACTION_WORDS: Final = {Action.NO_OP: "uncertain"}
_REPEATED_KINDS: Final = frozenset(
    {SectionKind.EXPOSURE, SectionKind.ACCESS, SectionKind.RETIRE, SectionKind.REPLACE}
)


def build_view(plan: Plan) -> PlanView:
    """Return the view of a plan; the same plan gives the same view."""
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
        blocked_summary=format_blocked_summary(plan),
        summary=format_plan_summary(plan),
        approve_command=format_apply_command(plan) if plan.is_approvable and not plan.is_empty else "",
        next_steps=list_next_steps(plan),
        requests=plan.requests,
        pace=plan.requests_per_second,
        resources=plan.resources,
        offline=plan.offline,
        base_summary=describe_base(plan.base) if plan.base else "",
        links=tuple(dict.fromkeys(_build_links(plan))),
        node_marks={
            str(change.address): "exposed"
            if change.exposures
            else _ACTION_WORDS.get(change.action, change.action.value)
            for change in plan.changes
        },
    )


def count_actions(plan: Plan) -> dict[str, int]:
    """Return the number of changes by action, in the order of the summary."""
    found = plan.count_by_action()
    return {action.value: found.get(action, 0) for action in _COUNTED_ACTIONS}


def count_attention(plan: Plan) -> int:
    """Return the number of things that a person must look at.

    A resource with an exposure, a manual step, an error or a warning counts once. So does each access
    change and each error or warning without a resource.
    """
    exposed = {change.address for change in plan.changes if change.exposures or change.is_consent_needed}
    serious = [each for each in plan.diagnostics if each.severity is not Severity.NOTE]
    return len(exposed | set(map(_attention_key, (*plan.access_changes, *serious))))


def format_plan_summary(plan: Plan) -> str:
    """Return the summary line; the docstring of this module has its grammar."""
    number = count_attention(plan)
    attention = f" {number:d} need{'s' if number == 1 else ''} attention." if number else ""
    if plan.is_empty:
        state = "The workspace matches the manifests."
        if plan.offline:
            state = "The workspace was not read."
        elif plan.changes:
            state = "Everything that can be compared matches the manifests."
        return f"No changes. {state}{attention}"
    counts = [f"{number} to {word}" for word, number in count_actions(plan).items() if number]
    return f"Plan: {', '.join(counts)}.{attention}"


def format_blocked_summary(plan: Plan) -> str:
    r"""Return which errors block a plan and how an apply would exit; empty without errors.

    It reads ``Plan blocked by 3 errors (KT451, KT458 \u00d72); apply would exit 5.``
    """
    codes = Counter(error.code for error in plan.blocking_diagnostics)
    if not codes:
        return ""
    listed = ", ".join(
        f"{code} \u00d7{number}" if number > 1 else code for code, number in sorted(codes.items())
    )
    exit_code = max(find_code(code).exit_code for code in codes)
    return f"Plan blocked by {pluralize(codes.total(), 'error')} ({listed}); apply would exit {exit_code}."


def list_next_steps(plan: Plan) -> tuple[str, ...]:
    """Return what to do about the errors that block a plan, each once."""
    steps = (f"{each.code}: {each.hint}" for each in plan.blocking_diagnostics if each.hint)
    return tuple(dict.fromkeys(steps))


def format_apply_command(plan: Plan) -> str:
    """Return the command that applies exactly this plan, with its options and consents, for a POSIX shell."""
    arguments = (*plan.command_options, "--approve", plan.approval_digest(), *plan.inputs.options)
    return shlex.join(("keyturn", "apply", *arguments))


def _build_sections(plan: Plan) -> tuple[PlanSection, ...]:
    grouped: dict[SectionKind, list[PlanEntry]] = {}
    for kind, entry in build_entries(plan):
        grouped.setdefault(kind, []).append(entry)
    return tuple(
        PlanSection(
            kind=kind, title=SECTION_TITLES[kind], tone=grouped[kind][0].tone, entries=tuple(grouped[kind])
        )
        for kind in SectionKind
        if kind in grouped
    )


def _attention_key(diagnostic: Diagnostic) -> object:
    return diagnostic.address or (diagnostic.code, diagnostic.origin, diagnostic.message)


def _build_links(plan: Plan) -> Iterator[DependencyLink]:
    impacts = [impact for address, impact in plan.impact.items() if address.kind == "connection"]
    below_connections = {work for impact in impacts for work in impact.downstream}
    for change in plan.changes:
        for used in _find_references(change):
            yield DependencyLink(str(used), str(change.address))
    for address, impact in sorted(plan.impact.items()):
        for name in (*impact.managed_connections, *impact.unmanaged_connections):
            yield DependencyLink(str(address), name)
        is_connection = address.kind == "connection"
        yield from (
            DependencyLink(str(address), work)
            for work in impact.downstream
            if is_connection or work not in below_connections
        )


def _find_references(change: Change) -> list[Address]:
    sides = [change.desired.fields if change.desired else {}, change.entry.applied if change.entry else {}]
    return sorted({leaf for side in sides for leaf in side.values() if isinstance(leaf, Address)})
