"""How far a change reaches and what follows from it, in words; what is not known is said to be so."""

from collections.abc import Iterator
from typing import Final

from keyturn.model.change import Action, Change
from keyturn.model.diagnostic import pluralize_or_none
from keyturn.model.plan import Impact
from keyturn.views.plan.model import NoteRow

MAX_LISTED_NAMES: Final = 10
"""The most names in one phrase; the rest is counted."""


def join_names(names: tuple[str, ...]) -> str:
    """Return names joined by commas; beyond ``SHOWN`` they are counted."""
    more = f" and {len(names) - MAX_LISTED_NAMES:,} more" if len(names) > MAX_LISTED_NAMES else ""
    return ", ".join(names[:MAX_LISTED_NAMES]) + more


def describe_reach(change: Change, impact: Impact | None) -> str:
    """Return how far a change reaches: ``used by 7 connections, 23 pipelines; 4 scheduled, next …``."""
    if impact is None:
        return "how far it reaches is unknown"
    uses = list(_iterate_uses(change, impact))
    known = [said for number, least, noun in uses if (said := _format_count(number, least, noun))]
    if not known and all(number == 0 for number, _, _ in uses):
        return f"used by nothing{_describe_schedules(impact)}"
    unknown = [f"{noun}s" for number, least, noun in uses if number is None and not least]
    used = f"used by {', '.join(known)}" if known else "used by none that is known"
    return used + (f"; {_join_words(unknown)} unknown" if unknown else "") + _describe_schedules(impact)


def _iterate_uses(change: Change, impact: Impact) -> Iterator[tuple[int | None, int, str]]:
    # A number that is not known may still have a least: what is known by name.
    if change.address.kind == "credential":
        yield (
            impact.connections,
            len(impact.managed_connections) + len(impact.unmanaged_connections),
            "connection",
        )
    for number, noun in ((impact.pipelines, "pipeline"), (impact.syncs, "sync")):
        yield number, sum(each.startswith(f"{noun}/") for each in impact.downstream), noun


def _format_count(number: int | None, least: int, noun: str) -> str:
    if number is None:
        return f"at least {pluralize_or_none(least, noun)}" if least else ""
    return pluralize_or_none(number, noun) if number else ""


def _join_words(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _describe_schedules(impact: Impact) -> str:
    if impact.scheduled is None:
        return "; schedules unknown" + (f", one runs at {impact.next_run}" if impact.next_run else "")
    if not impact.scheduled:
        return "; nothing scheduled"
    following = f", next run {impact.next_run}" if impact.next_run else ", next run unknown"
    return f"; {impact.scheduled:,} scheduled{following}"


def describe_breakage(change: Change, impact: Impact | None) -> Iterator[NoteRow]:
    """Yield what would break, and how to undo it, for a change that takes an object away."""
    # What lets go of it in the same plan is not broken by it.
    left = (
        tuple(each for each in impact.managed_connections if each not in map(str, change.depends_on))
        if impact
        else ()
    )
    if left:
        yield NoteRow("breaks", f"in git: {join_names(left)}")
    if impact and impact.unmanaged_connections:
        yield NoteRow("breaks", f"made outside git: {join_names(impact.unmanaged_connections)}")
    if impact and impact.downstream:
        yield NoteRow("breaks", f"work that runs on it: {join_names(impact.downstream)}")
    if change.depends_on:
        yield NoteRow(
            "after", f"done once these let go of it: {join_names(tuple(map(str, change.depends_on)))}"
        )
    if _is_protected(change):
        yield NoteRow("protected", "the manifest or the state protects it")
    if change.action is Action.RETIRE:
        yield NoteRow("undo", _UNDO_TEXTS.get(change.address.kind, _UNDO_TEXTS["credential"]))


_UNDO_TEXTS: Final = {
    "credential": "a soft delete: it is restored when its manifest comes back",
    "connection": "none in the API: when its manifest comes back, it is created anew, with another id",
}


def _is_protected(change: Change) -> bool:
    stated = change.desired.lifecycle.protect if change.desired else False
    return stated or bool(change.entry and change.entry.protect)


def describe_rotation(change: Change, impact: Impact | None) -> Iterator[NoteRow]:
    """Yield how a rotation goes about it: age of the old secret, strategy, what is tested before."""
    if change.entry and change.entry.rotated_at:
        yield NoteRow("age", f"the old one was set on {change.entry.rotated_at[:10]}")
    elif change.entry:
        yield NoteRow("age", "when the old one was set is unknown")
    if change.address.kind != "credential" or change.desired is None:
        return
    chosen = change.desired.lifecycle.strategy
    users = "every connection that uses it" if impact is None or impact.connections is None else ""
    users = users or pluralize_or_none(impact.connections if impact else None, "connection")
    names = (
        f" ({join_names(impact.managed_connections + impact.unmanaged_connections)})"
        if impact and impact.managed_connections
        else ""
    )
    days = pluralize_or_none(change.desired.lifecycle.grace_days, "day")
    yield NoteRow(
        "strategy",
        {
            "verify": f"verify: before the cut-over the new secret is tested with {users}{names}",
            "replace": f"replace: {users}{names} move one by one; the old one is retired after {days}",
            "in_place": f"in_place: written at once, then tested with {users}{names}",
        }.get(chosen, chosen),
    )
