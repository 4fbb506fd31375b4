"""How far a change reaches and what follows from it, in words; what is not known is said to be so."""

from collections.abc import Iterator
from typing import Final

from keyturn.core.change import Action, Change
from keyturn.core.counting import counted
from keyturn.core.plan import Impact
from keyturn.render.parts import Note

SHOWN: Final = 10
"""The most names in one phrase; the rest is counted."""


def listed(names: tuple[str, ...]) -> str:
    """Return names joined by commas; beyond ``SHOWN`` they are counted."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def reach(change: Change, impact: Impact | None) -> str:
    """Return how far a change reaches: ``used by 7 connections, 23 pipelines; 4 scheduled, next …``."""
    if impact is None:
        return "how far it reaches is unknown"
    uses = list(_uses(change, impact))
    known = [said for number, least, noun in uses if (said := _known(number, least, noun))]
    if not known and all(number == 0 for number, _, _ in uses):
        return f"used by nothing{_schedules(impact)}"
    unknown = [f"{noun}s" for number, least, noun in uses if number is None and not least]
    used = f"used by {', '.join(known)}" if known else "used by none that is known"
    return used + (f"; {_joined(unknown)} unknown" if unknown else "") + _schedules(impact)


def _uses(change: Change, impact: Impact) -> Iterator[tuple[int | None, int, str]]:
    # A number that is not known may still have a least: what is known by name.
    if change.address.kind == "credential":
        yield impact.connections, len(impact.insiders) + len(impact.outsiders), "connection"
    for number, noun in ((impact.pipelines, "pipeline"), (impact.syncs, "sync")):
        yield number, sum(each.startswith(f"{noun}/") for each in impact.work), noun


def _known(number: int | None, least: int, noun: str) -> str:
    if number is None:
        return f"at least {counted(least, noun)}" if least else ""
    return counted(number, noun) if number else ""


def _joined(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _schedules(impact: Impact) -> str:
    if impact.scheduled is None:
        return "; schedules unknown" + (f", one runs at {impact.next_run}" if impact.next_run else "")
    if not impact.scheduled:
        return "; nothing scheduled"
    following = f", next run {impact.next_run}" if impact.next_run else ", next run unknown"
    return f"; {impact.scheduled:,} scheduled{following}"


def breakage(change: Change, impact: Impact | None) -> Iterator[Note]:
    """Yield what would break, and how to undo it, for a change that takes an object away."""
    # What lets go of it in the same plan is not broken by it.
    left = tuple(each for each in impact.insiders if each not in map(str, change.after)) if impact else ()
    if left:
        yield Note("breaks", f"in git: {listed(left)}")
    if impact and impact.outsiders:
        yield Note("breaks", f"made outside git: {listed(impact.outsiders)}")
    if impact and impact.work:
        yield Note("breaks", f"work that runs on it: {listed(impact.work)}")
    if change.after:
        yield Note("after", f"done once these let go of it: {listed(tuple(map(str, change.after)))}")
    if _protected(change):
        yield Note("protected", "the manifest or the ledger protects it")
    if change.action is Action.RETIRE:
        yield Note("undo", _UNDO.get(change.address.kind, _UNDO["credential"]))


_UNDO: Final = {
    "credential": "a soft delete: it is restored when its manifest comes back",
    "connection": "none in the API: when its manifest comes back, it is created anew, with another id",
}


def _protected(change: Change) -> bool:
    stated = change.desired.lifecycle.protect if change.desired else False
    return stated or bool(change.known and change.known.protect)


def strategy(change: Change, impact: Impact | None) -> Iterator[Note]:
    """Yield how a rotation goes about it: age of the old secret, strategy, what is tested before."""
    if change.known and change.known.rotated_at:
        yield Note("age", f"the old one was set on {change.known.rotated_at[:10]}")
    elif change.known:
        yield Note("age", "when the old one was set is unknown")
    if change.address.kind != "credential" or change.desired is None:
        return
    chosen = change.desired.lifecycle.strategy
    users = "every connection that uses it" if impact is None or impact.connections is None else ""
    users = users or counted(impact.connections if impact else None, "connection")
    names = f" ({listed(impact.insiders + impact.outsiders)})" if impact and impact.insiders else ""
    days = counted(change.desired.lifecycle.grace_days, "day")
    yield Note(
        "strategy",
        {
            "verify": f"verify: before the cut-over the new secret is tested with {users}{names}",
            "replace": f"replace: {users}{names} move one by one; the old one is retired after {days}",
            "in_place": f"in_place: written at once, then tested with {users}{names}",
        }.get(chosen, chosen),
    )
