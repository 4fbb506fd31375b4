"""The wording of impact, breakage, rotation and secret statuses; unknown is stated and never 0."""

from collections.abc import Iterator
from typing import Final

from keyturn.model.change import Action, Change, SecretStatus
from keyturn.model.diagnostic import pluralize, pluralize_or_none
from keyturn.model.plan import Impact, PlanBase
from keyturn.views.plan.model import NoteRow, SecretRow

MAX_LISTED_NAMES: Final = 10
"""The maximum number of names in one phrase; the rest is counted."""

MAX_NEXT_STEPS: Final = 5
"""The maximum number of next steps at the end of a blocked plan; the rest is counted."""

_UNDO_TEXTS: Final = {
    "credential": "reversible: re-adding the manifest restores the object",
    "connection": "not reversible: re-adding the manifest creates a new object with a new ID",
}
_STATUS_NAMES: Final = {SecretStatus.SET.value: "will be set"}


def join_names(names: tuple[str, ...]) -> str:
    """Return names joined by commas; the names beyond ``MAX_LISTED_NAMES`` are counted."""
    more = f" and {len(names) - MAX_LISTED_NAMES:,} more" if len(names) > MAX_LISTED_NAMES else ""
    return ", ".join(names[:MAX_LISTED_NAMES]) + more


def limit_steps(steps: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first steps, and a line that counts the others."""
    more = len(steps) - MAX_NEXT_STEPS
    return steps[:MAX_NEXT_STEPS] + ((f"{more:,} more steps, with the errors above",) if more > 0 else ())


def name_secret_status(row: SecretRow) -> str:
    """Return the status of a secret in words."""
    return _STATUS_NAMES.get(row.status, row.status)


def format_secret_status(row: SecretRow) -> str:
    """Return the status of a secret with its reason: ``will be set (new)``."""
    return f"{name_secret_status(row)} ({row.reason})" if row.reason else name_secret_status(row)


def describe_base(base: PlanBase) -> str:
    """Return what an offline plan compares with and why, in one line."""
    if base.reason == "named":
        why = f"named by --base {base.revision}"
    else:
        source = f", named by {base.variable}" if base.variable else ""
        why = f"the merge base with {base.revision}{source}"
    return "; ".join((f"Base: {base.commit[:7]}, {why}", *base.notes)) + "."


def describe_impact(change: Change, impact: Impact | None, *, offline: bool = False) -> str:
    """Return the impact of a change: ``used by 7 connections, 23 pipelines; 4 schedules, next run …``."""
    if impact is None:
        return "unknown (offline)" if offline else "unknown"
    users = list(_list_users(change, impact))
    known = [text for number, least, noun in users if (text := _format_count(number, least, noun))]
    if not known and all(number == 0 for number, _, _ in users):
        nouns = _join_words([f"{noun}s" for _, _, noun in users], "or")
        return f"no {nouns} use it, {_describe_schedules(impact)}"
    unknown = [f"{noun}s" for number, least, noun in users if number is None and not least]
    parts = [f"used by {', '.join(known)}" if known else "no known users"]
    if unknown:
        parts.append(f"{_join_words(unknown, 'and')} unknown")
    return "; ".join([*parts, _describe_schedules(impact)])


def describe_breakage(change: Change, impact: Impact | None) -> Iterator[NoteRow]:
    """Yield what a change that retires an object breaks, its preconditions, and how to undo it."""
    detached = set(map(str, change.depends_on))
    if impact:
        remaining = tuple(name for name in impact.managed_connections if name not in detached)
        broken = {
            "connections in git": remaining,
            "connections not in git": impact.unmanaged_connections,
            "pipelines and syncs": impact.downstream,
        }
        yield from (
            NoteRow("breaks", f"{users}: {join_names(names)}") for users, names in broken.items() if names
        )
    if change.depends_on:
        yield NoteRow("depends on", f"detach {join_names(tuple(map(str, change.depends_on)))} first")
    if _is_protected(change):
        yield NoteRow("protected", "by the manifest or the state")
    if change.action is Action.RETIRE:
        yield NoteRow("undo", _UNDO_TEXTS.get(change.address.kind, _UNDO_TEXTS["credential"]))


def describe_rotation(change: Change, impact: Impact | None) -> Iterator[NoteRow]:
    """Yield the age of the old secret and the rotation strategy with its connection tests."""
    if change.entry and change.entry.rotated_at:
        yield NoteRow("age", f"the old secret was set on {change.entry.rotated_at[:10]}")
    elif change.entry:
        yield NoteRow("age", "unknown")
    if change.address.kind == "credential" and change.desired is not None:
        lifecycle = change.desired.lifecycle
        yield NoteRow("strategy", _describe_strategy(lifecycle.strategy, lifecycle.grace_days, impact))


def _describe_strategy(strategy: str, grace_days: int, impact: Impact | None) -> str:
    days = pluralize_or_none(grace_days, "day")
    if impact and impact.connections == 0:
        texts = {
            "verify": "cannot be tested first: no connection uses it",
            "replace": f"no connection uses it; the old object is retired after {days}",
            "in_place": "written at once; cannot be tested: no connection uses it",
        }
    else:
        users = _describe_connections(impact)
        texts = {
            "verify": f"the new secret is tested with {users} before the switch",
            "replace": f"{users} move one by one; the old object is retired after {days}",
            "in_place": f"written at once, then tested with {users}",
        }
    return f"{strategy}: {texts[strategy]}" if strategy in texts else strategy


def _describe_connections(impact: Impact | None) -> str:
    if impact is None or impact.connections is None:
        number = "every connection that uses it"
    else:
        number = pluralize(impact.connections, "connection")
    if not impact or not impact.managed_connections:
        return number
    return f"{number} ({join_names(impact.managed_connections + impact.unmanaged_connections)})"


def _list_users(change: Change, impact: Impact) -> Iterator[tuple[int | None, int, str]]:
    # An unknown number can have a lower bound: the users that are known by name.
    if change.address.kind == "credential":
        named = len(impact.managed_connections) + len(impact.unmanaged_connections)
        yield impact.connections, named, "connection"
    for number, noun in ((impact.pipelines, "pipeline"), (impact.syncs, "sync")):
        yield number, sum(name.startswith(f"{noun}/") for name in impact.downstream), noun


def _format_count(number: int | None, least: int, noun: str) -> str:
    if number is None:
        return f"at least {pluralize_or_none(least, noun)}" if least else ""
    return pluralize_or_none(number, noun) if number else ""


def _join_words(words: list[str], conjunction: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def _describe_schedules(impact: Impact) -> str:
    if impact.scheduled is None:
        return "schedules unknown" + (f", one runs at {impact.next_run}" if impact.next_run else "")
    if not impact.scheduled:
        return "no scheduled runs"
    return f"{pluralize(impact.scheduled, 'schedule')}, next run {impact.next_run or 'unknown'}"


def _is_protected(change: Change) -> bool:
    stated = change.desired.lifecycle.protect if change.desired else False
    return stated or bool(change.entry and change.entry.protect)
