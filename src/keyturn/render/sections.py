"""The sections of a view: which entries each class of a plan has, and what each of them says."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from keyturn.core.change import Action, Change, Exposure, FieldChange
from keyturn.core.counting import numbered
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.fields import dotted, same
from keyturn.core.plan import Plan
from keyturn.render.parts import Detail, Entry, FieldRow, Note, Part, SecretRow, Tone
from keyturn.render.phrases import breakage, listed, reach, strategy
from keyturn.render.values import NOTHING, pair, shown

ACTIONS: Final = {
    Action.RETIRE: (Part.RETIRE, "-", Tone.DANGER),
    Action.REPLACE: (Part.REPLACE, "±", Tone.DANGER),
    Action.ROTATE: (Part.ROTATE, "↻", Tone.CARE),
    Action.RESTORE: (Part.RESTORE, "^", Tone.GAIN),
    Action.RENAME: (Part.RENAME, "→", Tone.CHANGE),
    Action.CREATE: (Part.CREATE, "+", Tone.GAIN),
    Action.UPDATE: (Part.UPDATE, "~", Tone.CHANGE),
    Action.ADOPT: (Part.ADOPT, "=", Tone.QUIET),
    Action.FORGET: (Part.FORGET, ".", Tone.QUIET),
    Action.NOTE: (Part.DOUBT, "?", Tone.CARE),
}
"""The class, the symbol and the tone of each action."""

_UNFELT: Final = frozenset({Action.CREATE, Action.FORGET, Action.NOTE})
_TAKES: Final = frozenset({Action.RETIRE, Action.REPLACE})
_GRADES: Final = {
    Severity.ERROR: ("✗", "error", Tone.DANGER),
    Severity.WARNING: ("!", "warning", Tone.CARE),
    Severity.NOTE: ("·", "note", Tone.QUIET),
}


def entries(plan: Plan) -> Iterator[tuple[Part, Entry]]:
    """Yield every entry of a plan with its class; within a class in the order of the plan."""
    refused = {finding.address for finding in plan.findings if finding.cause is Cause.NEW_DESTINATION}
    for change in plan.changes:
        for exposure in _exposed(change, refused=change.address in refused):
            yield Part.EXPOSURE, exposure
        yield ACTIONS[change.action][0], _changed(change, plan)
    for alike in _grouped(plan.access):
        yield Part.ACCESS, noticed(alike)
    for alike in _grouped(plan.findings):
        is_manual = alike[0].cause is Cause.CONSENT_NEEDED
        yield Part.MANUAL if is_manual else Part.FINDING, noticed(alike)


def _grouped(findings: tuple[Diagnostic, ...]) -> Iterator[tuple[Diagnostic, ...]]:
    # One rule broken in three hundred manifests is one thing to read.
    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    for each in findings:
        groups.setdefault((each.code, each.severity, each.message, each.hint), []).append(each)
    yield from map(tuple, groups.values())


def noticed(alike: tuple[Diagnostic, ...]) -> Entry:
    """Return the entry of one finding, or of several that say the same of different places."""
    first, places = alike[0], tuple(dict.fromkeys(str(each.origin) for each in alike))
    symbol, grade, tone = _GRADES[first.severity]
    several = len(places) > 1
    details = [Note("fix", first.hint)] if first.hint else []
    return Entry(
        symbol=symbol,
        label=f"{first.code} {grade}",
        headline=f"{first.message} (in {numbered(len(places), 'place')})" if several else first.message,
        tone=tone,
        place="" if several else places[0],
        details=(*details, *([Note("places", listed(places))] if several else [])),
        count=len(alike),
    )


def _exposed(change: Change, *, refused: bool) -> Iterator[Entry]:
    for credential, group in groupby(change.exposures, key=lambda exposure: exposure.address):
        through = "" if credential == change.address else f", through {change.address}"
        verdict = (
            f"refused unless agreed to with --allow-destination-change {credential.name}"
            if refused
            else "agreed to by name"
        )
        stays = [
            SecretRow(dotted(each.path), each.state.value, each.reason)
            for each in change.secrets
            if credential == change.address
        ]
        rows = tuple(map(_destination, group))
        yield Entry(
            symbol="!",
            label=str(credential),
            headline=f"its secret stays while {_moves(rows)}{through}",
            tone=Tone.DANGER,
            place=_place(change),
            details=(*rows, *stays, Note("consent", verdict)),
        )


def _moves(rows: tuple[FieldRow, ...]) -> str:
    if len(rows) == 1:
        return f"{rows[0].path} changes: {rows[0].before} → {rows[0].after}"
    return f"its destination changes: {listed(tuple(row.path for row in rows))}"


def _destination(exposure: Exposure) -> FieldRow:
    before, after = pair(exposure.path, exposure.before, exposure.after)
    return FieldRow(path=dotted(exposure.path), mark="~", before=before, after=after)


def _changed(change: Change, plan: Plan) -> Entry:
    _, symbol, tone = ACTIONS[change.action]
    return Entry(
        symbol=symbol,
        label=str(change.address),
        headline=_headline(change),
        tone=tone,
        place=_place(change),
        details=tuple(_details(change, plan)),
    )


def _headline(change: Change) -> str:
    renamed = f"renamed from {change.renamed_from}" if change.renamed_from else ""
    return "; ".join(filter(None, (renamed, change.why)))


def _place(change: Change) -> str:
    return change.desired.origin.file if change.desired else ""


def _details(change: Change, plan: Plan) -> Iterator[Detail]:
    impact = plan.impact.get(change.address)
    if change.desired and change.live and change.desired.type != change.live.type:
        yield FieldRow(path="type", mark="~", before=change.live.type, after=change.desired.type)
    for secret in change.secrets:
        yield SecretRow(dotted(secret.path), secret.state.value, secret.reason)
    for field in change.fields:
        yield _row(field)
    if change.known and change.known.retired_at and change.action is Action.RESTORE:
        yield Note("retired", f"on {change.known.retired_at[:10]}")
    if impact or change.action not in _UNFELT:
        yield Note("reach", reach(change, impact))
    if change.action in _TAKES:
        yield from breakage(change, impact)
    if change.action is Action.ROTATE:
        yield from strategy(change, impact)


def _row(field: FieldChange) -> FieldRow:
    before, after = pair(field.path, field.live, field.wanted)
    if same(field.live, field.wanted):
        after = f"{after}, under a new id"
    mark = "+" if before == NOTHING else "-" if after == NOTHING else "~"
    applied = shown(field.path, field.applied) if field.drifted else ""
    return FieldRow(path=dotted(field.path), mark=mark, before=before, after=after, applied=applied)
