"""A plan as it was reviewed beside the plan made now: what moved, and what moved beside it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, TypeAlias

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import Change, FieldChange
from keyturn.model.diagnostic import Diagnostic, pluralize
from keyturn.model.fields import FieldPath, Leaf, format_path
from keyturn.model.plan import NO_OP_ACTIONS, Impact, Plan, operation_payload
from keyturn.views.escaping import escape_line
from keyturn.views.plan.wording import describe_reach, join_names
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, colorize, display_width, wrap_text
from keyturn.views.values import format_pair

MAX_DIFF_LINES: Final = 60
"""The most lines of a difference; the rest is counted."""

_FULL_PLAN_HINT: Final = (
    "`keyturn show` draws the whole of the saved plan, and `keyturn plan` of the one made now"
)
_TOPIC_WIDTH: Final = 18

DiffRow: TypeAlias = tuple[str, str, str]
"""What a line is about (an address or nothing), its topic, and what is said."""


class PlanRevision(Struct, frozen=True):
    """A plan and the commit that it was made of; the commit is empty outside of git."""

    plan: Plan
    commit: str


def render_changes_since_review(
    reviewed: PlanRevision,
    now: PlanRevision,
    access: tuple[Diagnostic, ...] = (),
    style: TerminalStyle = PLAIN_STYLE,
) -> str:
    """Return how the plan made now differs from the reviewed one, ending in a line feed.

    First whether an apply may go on, which is so where both digests are the same; then what moved of
    the operations; then what moved of all else that was reviewed: findings, how far a change reaches,
    ``access`` (who gained or lost the ability to decrypt since the reviewed commit), cost.
    """
    moved = tuple(_compare_operations(reviewed.plan, now.plan))
    beside = (
        *_compare_surroundings(reviewed.plan, now.plan),
        *(_build_diagnostic_row("access", each) for each in access),
    )
    beside = tuple(sorted(beside, key=lambda row: (not row[0], row[0])))
    lines = [_render_header(reviewed, now)]
    if reviewed.plan.approval_digest() != now.plan.approval_digest():
        said = "What would be done is not what was reviewed:" if moved else _ORDER_CHANGED
        lines += [colorize(said, Tone.DANGER, style, bold=True), *_render_rows(moved, style)]
    else:
        lines.append("What would be done is what was reviewed, and every object is as it was then.")
    if beside:
        lines += [
            colorize("Moved since the review:", Tone.WARNING, style, bold=True),
            *_render_rows(beside, style),
        ]
    else:
        lines.append("Nothing else that was reviewed has moved.")
    return "\n".join(lines) + "\n"


_ORDER_CHANGED: Final = "What would be done is not what was reviewed: the order of its parts."


def _render_header(reviewed: PlanRevision, now: PlanRevision) -> str:
    then, here = (side.commit[:12] or "no commit" for side in (reviewed, now))
    if then == here:
        return f"The saved plan was made of {escape_line(then)}, as this one is."
    return f"The saved plan was made of {escape_line(then)}, this one of {escape_line(here)}."


def _compare_operations(then: Plan, now: Plan) -> Iterator[DiffRow]:
    for word in ("workspace", "organization"):
        before, after = getattr(then, word), getattr(now, word)
        if before != after:
            yield "", word, f"{before} then, {after} now"
    for address, before, after in _pair_changes(then, now, quiet=False):
        if before and after:
            yield from ((str(address), topic, said) for topic, said in _compare_change(before, after))
        elif after:
            yield str(address), after.action.value, "is new"
        elif before:
            yield str(address), before.action.value, "is no longer there"


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
        yield "manifest", "its content is another one"
    yield from _compare_secrets(then, now)
    yield from _compare_fields(then, now)
    if before["exposures"] != after["exposures"]:
        yield "exposes", f"{_describe_exposures(then)} then, {_describe_exposures(now)} now"
    if before["id"] != after["id"]:
        yield "live object", "it is another one"
    elif before["expected"] != after["expected"]:
        yield (
            "live object",
            f"written meanwhile: {then.expected_updated_at or 'never'} then, {now.expected_updated_at or 'never'} now",
        )


def _compare_secrets(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    states = [{each.path: each.status.value for each in side.secrets} for side in (then, now)]
    ciphers = [side.desired.ciphertext_digests if side.desired else {} for side in (then, now)]
    for path in sorted({*states[0], *states[1], *ciphers[0], *ciphers[1]}):
        said = []
        if states[0].get(path) != states[1].get(path):
            said.append(f"{states[0].get(path, 'not there')} then, {states[1].get(path, 'not there')} now")
        if ciphers[0].get(path) != ciphers[1].get(path):
            said.append("another ciphertext")
        if said:
            yield f"secrets.{format_path(path)}", "; ".join(said)


def _compare_fields(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    sides = [{each.path: each for each in side.fields} for side in (then, now)]
    for path in sorted({*sides[0], *sides[1]}):
        before, after = sides[0].get(path), sides[1].get(path)
        if _field_sides(before) != _field_sides(after):
            steps = _format_step(path, before), _format_step(path, after)
            same = f"{steps[0]}, and yet another value now"
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
            yield str(address), "in doubt", "is new" if before is None else "is no longer there"
    for address, before, after in _pair_changes(then, now, quiet=False):
        if before and after:
            yield from ((str(address), topic, said) for topic, said in _compare_drift(before, after))
            yield from _compare_reach((before, then.impact.get(address)), (after, now.impact.get(address)))
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


def _compare_reach(
    then: tuple[Change, Impact | None], now: tuple[Change, Impact | None]
) -> Iterator[DiffRow]:
    address, (before, after) = str(then[0].address), (describe_reach(*then), describe_reach(*now))
    if before != after:
        yield address, "reach", f"{before} then; {after} now"
    names = [
        {*side.managed_connections, *side.unmanaged_connections, *side.downstream} if side else set()
        for side in (then[1], now[1])
    ]
    for word, found in (("new user", names[1] - names[0]), ("user gone", names[0] - names[1])):
        if found:
            yield address, word, join_names(tuple(sorted(found)))


def _compare_diagnostics(then: Plan, now: Plan) -> Iterator[DiffRow]:
    sides = ((now, then, "new finding"), (then, now, "finding gone"))
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
    return f"{plan.requests_per_second:g} requests a second" if plan.requests_per_second else "no bound"


def _render_rows(rows: tuple[DiffRow, ...], style: TerminalStyle) -> Iterator[str]:
    for subject, group in groupby(rows[:MAX_DIFF_LINES], key=lambda row: row[0]):
        shown = list(group)
        if subject:
            yield wrap_text("  ", escape_line(subject), style.width)
        column = min(max(display_width(escape_line(topic)) for _, topic, _ in shown), _TOPIC_WIDTH)
        for _, topic, said in shown:
            name = escape_line(topic)
            indent = " " * (6 if subject else 2)
            lead = f"{indent}{name}{' ' * max(2, column + 2 - display_width(name))}"
            yield wrap_text(lead, escape_line(said), style.width)
    if len(rows) > MAX_DIFF_LINES:
        yield wrap_text("  ", f"and {len(rows) - MAX_DIFF_LINES:,} more: {_FULL_PLAN_HINT}", style.width)
