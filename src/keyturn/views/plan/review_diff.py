"""The differences between a reviewed plan and the current plan."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, TypeAlias

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import Change, FieldChange
from keyturn.model.diagnostic import Diagnostic, pluralize
from keyturn.model.fields import FieldPath, Leaf, format_path, mask_path
from keyturn.model.plan import (
    NO_OP_ACTIONS,
    Impact,
    Plan,
    describe_moved_options,
    describe_moved_values,
    operation_payload,
)
from keyturn.views.escaping import escape_line
from keyturn.views.plan.wording import describe_impact, join_names
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, display_width, wrap_text
from keyturn.views.values import format_pair

MAX_DIFF_LINES: Final = 60
"""The maximum number of lines; the rest is counted."""

_FULL_PLAN_HINT: Final = "`keyturn show` shows all of the saved plan, `keyturn plan` all of the current plan"
_ORDER_CHANGED: Final = "The plan differs from the reviewed plan: the order of the operations."
_TOPIC_WIDTH: Final = 18

DiffRow: TypeAlias = tuple[str, str, str]
"""The subject of a line (an address, a file or empty), its topic and its text."""


class PlanRevision(Struct, frozen=True):
    """A plan and the commit of its manifests; the commit is empty outside of git."""

    plan: Plan
    commit: str


def render_changes_since_review(
    reviewed: PlanRevision,
    now: PlanRevision,
    access: tuple[Diagnostic, ...] = (),
    style: TerminalStyle = PLAIN_STYLE,
) -> str:
    """Return the differences between the reviewed and the current plan, ending in a line feed.

    First come the differences between the operations; an apply may go on only without any, because the
    digests are equal then. Other differences follow: diagnostics, impact, cost and ``access``, the
    access changes since the reviewed commit.
    """
    operations = tuple(_compare_operations(reviewed.plan, now.plan))
    others = (
        *_compare_surroundings(reviewed.plan, now.plan),
        *(_build_diagnostic_row("access", each) for each in access),
    )
    others = tuple(sorted(others, key=lambda row: (not row[0], row[0])))
    lines = [_render_header(reviewed, now)]
    if reviewed.plan.approval_digest() != now.plan.approval_digest():
        title = "The plan differs from the reviewed plan:" if operations else _ORDER_CHANGED
        lines += [colorize(title, Tone.DANGER, style, bold=True), *_render_rows(operations, style)]
    else:
        lines.append("The operations are those of the reviewed plan, and no object has changed since.")
    if others:
        lines += [
            colorize("Other changes since the review:", Tone.WARNING, style, bold=True),
            *_render_rows(others, style),
        ]
    else:
        lines.append("No other changes since the review.")
    return "\n".join(lines) + "\n"


def _render_header(reviewed: PlanRevision, now: PlanRevision) -> str:
    then, here = (f"commit {side.commit[:12]}" if side.commit else "no commit" for side in (reviewed, now))
    if then == here:
        return f"Saved plan and current plan: {escape_line(then)}."
    return f"Saved plan: {escape_line(then)}; current plan: {escape_line(here)}."


def _compare_operations(then: Plan, now: Plan) -> Iterator[DiffRow]:
    yield from _compare_inputs(then, now)
    for address, before, after in _pair_changes(then, now, quiet=False):
        if before and after:
            yield from ((str(address), topic, text) for topic, text in _compare_change(before, after))
        elif after:
            yield str(address), after.action.value, "added"
        elif before:
            yield str(address), before.action.value, "removed"


def _compare_inputs(then: Plan, now: Plan) -> Iterator[DiffRow]:
    for line in describe_moved_values(then.approved_settings, now.approved_settings):
        name, _, text = line.partition(": ")
        yield "", name, text
    for line in describe_moved_options(then.inputs.options, now.inputs.options):
        name, _, text = line.partition(": ")
        yield "", name, text
    before, after = then.inputs, now.inputs
    for address in sorted({*before.manifests, *after.manifests}):
        if before.manifests.get(address) != after.manifests.get(address):
            yield address, "manifest", "different content, which an apply records"
    if before.open_intents != after.open_intents:
        texts = sorted({*before.open_intents.values(), *after.open_intents.values()})
        yield "", "open requests", f"different: {join_names(tuple(texts))}"


def _pair_changes(
    then: Plan, now: Plan, *, quiet: bool
) -> Iterator[tuple[Address, Change | None, Change | None]]:
    sides = [
        {change.address: change for change in plan.changes if (change.action in NO_OP_ACTIONS) is quiet}
        for plan in (then, now)
    ]
    for address in sorted({*sides[0], *sides[1]}):
        yield address, sides[0].get(address), sides[1].get(address)


def _compare_change(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    before, after = operation_payload(then), operation_payload(now)
    if before["action"] != after["action"]:
        yield "action", f"{then.action.value} then, {now.action.value} now"
    if before["renamed_from"] != after["renamed_from"]:
        yield "renamed from", f"{then.renamed_from or 'nothing'} then, {now.renamed_from or 'nothing'} now"
    if before["manifest"] != after["manifest"]:
        yield "manifest", "different content"
    yield from _compare_secrets(then, now)
    yield from _compare_fields(then, now)
    if before["exposures"] != after["exposures"]:
        yield "exposes", f"{_describe_exposures(then)} then, {_describe_exposures(now)} now"
    if (before["entry"], before["recorded"]) != (after["entry"], after["recorded"]):
        yield "state", "a different entry"
    if before["id"] != after["id"]:
        yield "live object", "a different object"
    elif before["expected"] != after["expected"]:
        times = [each.expected_updated_at or "never" for each in (then, now)]
        yield "live object", "changed meanwhile: {} then, {} now".format(*times)


def _compare_secrets(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    states = [{each.path: each.status.value for each in side.secrets} for side in (then, now)]
    ciphers = [side.desired.ciphertext_digests if side.desired else {} for side in (then, now)]
    for path in sorted({*states[0], *states[1], *ciphers[0], *ciphers[1]}):
        differences = []
        if states[0].get(path) != states[1].get(path):
            differences.append(f"{states[0].get(path, 'absent')} then, {states[1].get(path, 'absent')} now")
        if ciphers[0].get(path) != ciphers[1].get(path):
            differences.append("different ciphertext")
        if differences:
            yield f"secrets.{mask_path(path)}", "; ".join(differences)


def _compare_fields(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    sides = [{each.path: each for each in side.fields} for side in (then, now)]
    for path in sorted({*sides[0], *sides[1]}):
        before, after = sides[0].get(path), sides[1].get(path)
        if _field_sides(before) != _field_sides(after):
            steps = _format_step(path, before), _format_step(path, after)
            same = f"{steps[0]} then, a different value now"
            yield format_path(path), same if steps[0] == steps[1] else "{} then, {} now".format(*steps)


def _field_sides(field: FieldChange | None) -> tuple[Leaf, Leaf] | None:
    return (field.live, field.desired) if field else None


def _format_step(path: FieldPath, field: FieldChange | None) -> str:
    return " → ".join(format_pair(path, field.live, field.desired)) if field else "no change"


def _describe_exposures(change: Change) -> str:
    return (
        join_names(tuple(f"{each.address} by {format_path(each.path)}" for each in change.exposures))
        or "nothing"
    )


def _compare_surroundings(then: Plan, now: Plan) -> Iterator[DiffRow]:
    for address, before, after in _pair_changes(then, now, quiet=True):
        if before is None or after is None:
            yield str(address), "possible change", "added" if before is None else "removed"
    for address, before, after in _pair_changes(then, now, quiet=False):
        if before and after:
            yield from ((str(address), topic, text) for topic, text in _compare_drift(before, after))
            yield from _compare_impact((before, then), (after, now))
    yield from _compare_diagnostics(then, now)
    if then.resources != now.resources:
        yield "", "in git", f"{pluralize(then.resources, 'resource')} then, {now.resources:,} now"
    if then.requests_per_second != now.requests_per_second:
        yield "", "pace", f"{_format_pace(then)} then, {_format_pace(now)} now"


def _compare_drift(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    applied = {each.path: each.applied for each in then.fields}
    for field in now.fields:
        before = applied.get(field.path, field.applied)
        if before != field.applied:
            yield (
                format_path(field.path),
                "last applied: {} then, {} now".format(*format_pair(field.path, before, field.applied)),
            )


def _compare_impact(then: tuple[Change, Plan], now: tuple[Change, Plan]) -> Iterator[DiffRow]:
    address = then[0].address
    impacts = [plan.impact.get(address) for _, plan in (then, now)]
    before, after = (
        describe_impact(change, impact, offline=plan.offline)
        for (change, plan), impact in zip((then, now), impacts, strict=True)
    )
    if before != after:
        yield str(address), "impact", f"{before} then; {after} now"
    users = [_list_users(impact) for impact in impacts]
    for topic, names in (("new user", users[1] - users[0]), ("user removed", users[0] - users[1])):
        if names:
            yield str(address), topic, join_names(tuple(sorted(names)))


def _list_users(impact: Impact | None) -> set[str]:
    if impact is None:
        return set()
    return {*impact.managed_connections, *impact.unmanaged_connections, *impact.downstream}


def _compare_diagnostics(then: Plan, now: Plan) -> Iterator[DiffRow]:
    sides = ((now, then, "new finding"), (then, now, "finding resolved"))
    for some, others, topic in sides:
        known = {_build_diagnostic_row("", each) for each in others.diagnostics}
        yield from (
            _build_diagnostic_row(topic, each)
            for each in some.diagnostics
            if _build_diagnostic_row("", each) not in known
        )


def _build_diagnostic_row(topic: str, diagnostic: Diagnostic) -> DiffRow:
    subject = str(diagnostic.address) if diagnostic.address else diagnostic.origin.file
    return subject, topic, f"{diagnostic.code} {diagnostic.severity.name.lower()}: {diagnostic.message}"


def _format_pace(plan: Plan) -> str:
    return f"{plan.requests_per_second:g} requests a second" if plan.requests_per_second else "no limit"


def _render_rows(rows: tuple[DiffRow, ...], style: TerminalStyle) -> Iterator[str]:
    for subject, group in groupby(rows[:MAX_DIFF_LINES], key=lambda row: row[0]):
        shown = list(group)
        if subject:
            yield wrap_text("  ", escape_line(subject), style.width)
        column = min(max(display_width(escape_line(topic)) for _, topic, _ in shown), _TOPIC_WIDTH)
        for _, topic, text in shown:
            name = escape_line(topic)
            indent = " " * (6 if subject else 2)
            lead = f"{indent}{name}{' ' * max(2, column + 2 - display_width(name))}"
            yield wrap_text(lead, escape_line(text), style.width)
    if len(rows) > MAX_DIFF_LINES:
        yield wrap_text("  ", f"and {len(rows) - MAX_DIFF_LINES:,} more: {_FULL_PLAN_HINT}", style.width)
