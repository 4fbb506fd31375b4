"""A plan as it was reviewed beside the plan made now: what moved, and what moved beside it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, TypeAlias

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.change import Change, FieldChange
from keyturn.core.counting import numbered
from keyturn.core.diagnostic import Diagnostic
from keyturn.core.fields import Leaf, Path, dotted
from keyturn.core.plan import QUIET, Impact, Plan, operation
from keyturn.render.cells import cells, fold
from keyturn.render.parts import Tone
from keyturn.render.phrases import listed, reach
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint
from keyturn.render.values import pair

MOST: Final = 60
"""The most lines of a difference; the rest is counted."""

_WHOLE: Final = "`keyturn show` draws the whole of the saved plan, and `keyturn plan` of the one made now"
_GAP: Final = 18

Row: TypeAlias = tuple[str, str, str]
"""What a line is about (an address or nothing), its topic, and what is said."""


class Side(Struct, frozen=True):
    """A plan and the commit that it was made of; the commit is empty outside of git."""

    plan: Plan
    commit: str


def since_text(reviewed: Side, now: Side, access: tuple[Diagnostic, ...] = (), style: Style = PLAIN) -> str:
    """Return how the plan made now differs from the reviewed one, ending in a line feed.

    First whether an apply may go on, which is so where both digests are the same; then what moved of
    the operations; then what moved of all else that was reviewed: findings, how far a change reaches,
    ``access`` (who gained or lost the ability to decrypt since the reviewed commit), cost.
    """
    moved = tuple(_operations(reviewed.plan, now.plan))
    beside = (*_beside(reviewed.plan, now.plan), *(_about("access", each) for each in access))
    beside = tuple(sorted(beside, key=lambda row: (not row[0], row[0])))
    lines = [_head(reviewed, now)]
    if reviewed.plan.digest() != now.plan.digest():
        said = "What would be done is not what was reviewed:" if moved else _UNTOLD
        lines += [paint(said, Tone.DANGER, style, bold=True), *_rows(moved, style)]
    else:
        lines.append("What would be done is what was reviewed, and every object is as it was then.")
    if beside:
        lines += [paint("Moved since the review:", Tone.CARE, style, bold=True), *_rows(beside, style)]
    else:
        lines.append("Nothing else that was reviewed has moved.")
    return "\n".join(lines) + "\n"


_UNTOLD: Final = "What would be done is not what was reviewed: the order of its parts."


def _head(reviewed: Side, now: Side) -> str:
    then, here = (side.commit[:12] or "no commit" for side in (reviewed, now))
    if then == here:
        return f"The saved plan was made of {line(then)}, as this one is."
    return f"The saved plan was made of {line(then)}, this one of {line(here)}."


def _operations(then: Plan, now: Plan) -> Iterator[Row]:
    for word in ("workspace", "organization"):
        before, after = getattr(then, word), getattr(now, word)
        if before != after:
            yield "", word, f"{before} then, {after} now"
    for address, before, after in _paired(then, now, quiet=False):
        if before and after:
            yield from ((str(address), topic, said) for topic, said in _facts(before, after))
        elif after:
            yield str(address), after.action.value, "is new"
        elif before:
            yield str(address), before.action.value, "is no longer there"


def _paired(then: Plan, now: Plan, *, quiet: bool) -> Iterator[tuple[Address, Change | None, Change | None]]:
    sides = [
        {change.address: change for change in plan.changes if (change.action in QUIET) is quiet}
        for plan in (then, now)
    ]
    for address in sorted({*sides[0], *sides[1]}):
        yield address, sides[0].get(address), sides[1].get(address)


def _facts(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    before, after = operation(then), operation(now)
    if before["action"] != after["action"]:
        yield "action", f"{then.action.value} then, {now.action.value} now"
    if before["renamed_from"] != after["renamed_from"]:
        yield "renamed from", f"{then.renamed_from or 'nothing'} then, {now.renamed_from or 'nothing'} now"
    if before["manifest"] != after["manifest"]:
        yield "manifest", "its content is another one"
    yield from _secrets(then, now)
    yield from _fields(then, now)
    if before["exposures"] != after["exposures"]:
        yield "exposes", f"{_exposed(then)} then, {_exposed(now)} now"
    if before["id"] != after["id"]:
        yield "live object", "it is another one"
    elif before["expected"] != after["expected"]:
        yield (
            "live object",
            f"written meanwhile: {then.expected or 'never'} then, {now.expected or 'never'} now",
        )


def _secrets(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    states = [{each.path: each.state.value for each in side.secrets} for side in (then, now)]
    ciphers = [side.desired.ciphers if side.desired else {} for side in (then, now)]
    for path in sorted({*states[0], *states[1], *ciphers[0], *ciphers[1]}):
        said = []
        if states[0].get(path) != states[1].get(path):
            said.append(f"{states[0].get(path, 'not there')} then, {states[1].get(path, 'not there')} now")
        if ciphers[0].get(path) != ciphers[1].get(path):
            said.append("another ciphertext")
        if said:
            yield f"secrets.{dotted(path)}", "; ".join(said)


def _fields(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    sides = [{each.path: each for each in side.fields} for side in (then, now)]
    for path in sorted({*sides[0], *sides[1]}):
        before, after = sides[0].get(path), sides[1].get(path)
        if _sides(before) != _sides(after):
            steps = _step(path, before), _step(path, after)
            same = f"{steps[0]}, and yet another value now"
            yield dotted(path), same if steps[0] == steps[1] else "{} then, {} now".format(*steps)


def _sides(field: FieldChange | None) -> tuple[Leaf, Leaf] | None:
    return (field.live, field.wanted) if field else None


def _step(path: Path, field: FieldChange | None) -> str:
    return " → ".join(pair(path, field.live, field.wanted)) if field else "no change"


def _exposed(change: Change) -> str:
    return listed(tuple(f"{each.address} by {dotted(each.path)}" for each in change.exposures)) or "nothing"


def _beside(then: Plan, now: Plan) -> Iterator[Row]:
    for address, before, after in _paired(then, now, quiet=True):
        if before is None or after is None:
            yield str(address), "in doubt", "is new" if before is None else "is no longer there"
    for address, before, after in _paired(then, now, quiet=False):
        if before and after:
            yield from ((str(address), topic, said) for topic, said in _drift(before, after))
            yield from _reach((before, then.impact.get(address)), (after, now.impact.get(address)))
    yield from _findings(then, now)
    if then.resources != now.resources:
        yield "", "in git", f"{numbered(then.resources, 'resource')} then, {now.resources:,} now"
    if then.pace != now.pace:
        yield "", "pace", f"{_pace(then)} then, {_pace(now)} now"


def _drift(then: Change, now: Change) -> Iterator[tuple[str, str]]:
    applied = {each.path: each.applied for each in then.fields}
    for field in now.fields:
        before = applied.get(field.path, field.applied)
        if before != field.applied:
            yield (
                dotted(field.path),
                "last applied: {} then, {} now".format(*pair(field.path, before, field.applied)),
            )


def _reach(then: tuple[Change, Impact | None], now: tuple[Change, Impact | None]) -> Iterator[Row]:
    address, (before, after) = str(then[0].address), (reach(*then), reach(*now))
    if before != after:
        yield address, "reach", f"{before} then; {after} now"
    names = [{*side.insiders, *side.outsiders, *side.work} if side else set() for side in (then[1], now[1])]
    for word, found in (("new user", names[1] - names[0]), ("user gone", names[0] - names[1])):
        if found:
            yield address, word, listed(tuple(sorted(found)))


def _findings(then: Plan, now: Plan) -> Iterator[Row]:
    sides = ((now, then, "new finding"), (then, now, "finding gone"))
    for some, others, topic in sides:
        known = {_about("", each) for each in others.findings}
        yield from (_about(topic, each) for each in some.findings if _about("", each) not in known)


def _about(topic: str, finding: Diagnostic) -> Row:
    subject = str(finding.address) if finding.address else finding.origin.file
    return subject, topic, f"{finding.code} {finding.severity.name.lower()}: {finding.message}"


def _pace(plan: Plan) -> str:
    return f"{plan.pace:g} requests a second" if plan.pace else "no bound"


def _rows(rows: tuple[Row, ...], style: Style) -> Iterator[str]:
    for subject, group in groupby(rows[:MOST], key=lambda row: row[0]):
        shown = list(group)
        if subject:
            yield fold("  ", line(subject), style.width)
        column = min(max(cells(line(topic)) for _, topic, _ in shown), _GAP)
        for _, topic, said in shown:
            name = line(topic)
            indent = " " * (6 if subject else 2)
            lead = f"{indent}{name}{' ' * max(2, column + 2 - cells(name))}"
            yield fold(lead, line(said), style.width)
    if len(rows) > MOST:
        yield fold("  ", f"and {len(rows) - MOST:,} more: {_WHOLE}", style.width)
