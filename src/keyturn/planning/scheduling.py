"""Who waits for whom: what a change refers to is done first; what lets go comes before what goes.

A connection that somebody pointed elsewhere is put back before its credential gets a new secret.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.resource import StateEntry
from keyturn.planning.exposure import has_secret_writes, is_drift_revert

_IDLE_ACTIONS = frozenset({Action.NO_OP, Action.FORGET, Action.ADOPT})


def resolve_dependencies(
    changes: tuple[Change, ...], known: Mapping[Address, StateEntry]
) -> tuple[Change, ...]:
    """Return the changes with ``after`` filled in: references first, retirements last."""
    planned = {change.address: change for change in changes}
    users = _users_by_address(known)
    return tuple(replace(change, depends_on=_dependencies_of(change, planned, users)) for change in changes)


def _users_by_address(known: Mapping[Address, StateEntry]) -> Mapping[Address, frozenset[Address]]:
    users: dict[Address, set[Address]] = {}
    for entry in known.values():
        for leaf in entry.applied.values():
            if isinstance(leaf, Address):
                users.setdefault(leaf, set()).add(entry.address)
    return {address: frozenset(found) for address, found in users.items()}


def _is_live_user(other: Change, change: Change) -> bool:
    return bool(other.live and change.live and change.live.id in other.live.fields.values())


def _runs_after_user(credential: Change, user: Change) -> bool:
    # What it refers to is there already and can wait, unless it was retired and has to come back.
    there = credential.action is not Action.RESTORE or _is_live_user(user, credential)
    return has_secret_writes(credential) and there


def _dependencies_of(
    change: Change, planned: Mapping[Address, Change], users: Mapping[Address, frozenset[Address]]
) -> tuple[Address, ...]:
    if change.action is Action.RETIRE:
        # A user that was renamed in the same plan stands under its new address.
        moved = {
            Address(other.address.kind, other.renamed_from): other.address
            for other in planned.values()
            if other.renamed_from
        }
        waits = {moved.get(user, user) for user in users.get(change.address, frozenset())}
        waits |= {other.address for other in planned.values() if _is_live_user(other, change)}
    elif change.desired:
        waits = {leaf for leaf in change.desired.fields.values() if isinstance(leaf, Address)}
        if has_secret_writes(change):
            waits |= {
                other.address
                for other in planned.values()
                if is_drift_revert(other) and _is_live_user(other, change)
            }
        elif is_drift_revert(change):
            waits = {
                each for each in waits if each in planned and not _runs_after_user(planned[each], change)
            }
    else:
        waits = set()
    return tuple(sorted(address for address in waits if address in planned and address != change.address))


class ChangeStatus(Enum):
    """Where a change is on its way."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"


class ScheduleEvent(Enum):
    """What can happen to a change."""

    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"
    BLOCK = "block"


STATUS_TRANSITIONS: Mapping[tuple[ChangeStatus, ScheduleEvent], ChangeStatus] = {
    (ChangeStatus.WAITING, ScheduleEvent.START): ChangeStatus.RUNNING,
    (ChangeStatus.WAITING, ScheduleEvent.BLOCK): ChangeStatus.BLOCKED,
    (ChangeStatus.RUNNING, ScheduleEvent.SUCCEED): ChangeStatus.DONE,
    (ChangeStatus.RUNNING, ScheduleEvent.FAIL): ChangeStatus.FAILED,
}


class DependencyCycle(Exception):  # noqa: N818
    """Raised for changes that wait for each other; ``path`` names them, the first one twice."""

    def __init__(self, path: tuple[Address, ...]) -> None:
        super().__init__(" → ".join(map(str, path)))
        self.path = path


class ChangeSchedule:
    """The one holder of state in core: a copy for each move would cost a 10,000-change plan its speed.

    ``waits`` maps each change to those it waits for; others than those listed count as done.
    Raises ``Cycle``.
    """

    def __init__(self, waits: Mapping[Address, Iterable[Address]]) -> None:
        edges = {
            one: tuple(dict.fromkeys(other for other in others if other in waits))
            for one, others in waits.items()
        }
        _reject_cycles(edges)
        self.statuses = dict.fromkeys(edges, ChangeStatus.WAITING)
        self._dependencies = edges
        self._open_counts = {one: len(others) for one, others in edges.items()}
        self._followers: dict[Address, list[Address]] = {one: [] for one in edges}
        for one, others in edges.items():
            for other in others:
                self._followers[other].append(one)
        self._ready = deque(one for one, count in self._open_counts.items() if not count)

    def take_next(self) -> Address | None:
        """Start the next ready change and return it; None when nothing is ready."""
        while self._ready:
            address = self._ready.popleft()
            if self.statuses[address] is ChangeStatus.WAITING:
                self._transition_to(address, ScheduleEvent.START)
                return address
        return None

    def mark_done(self, address: Address) -> None:
        """Note that a running change is done: its followers are one step nearer."""
        self._transition_to(address, ScheduleEvent.SUCCEED)
        for follower in self._followers[address]:
            self._open_counts[follower] -= 1
            if not self._open_counts[follower]:
                self._ready.append(follower)

    def mark_failed(self, address: Address) -> tuple[Address, ...]:
        """Note that a running change failed; return what is blocked by it from now on."""
        self._transition_to(address, ScheduleEvent.FAIL)
        blocked: list[Address] = []
        queue = [address]
        while queue:
            for follower in self._followers[queue.pop()]:
                if self.statuses[follower] is ChangeStatus.WAITING:
                    self._transition_to(follower, ScheduleEvent.BLOCK)
                    blocked.append(follower)
                    queue.append(follower)
        return tuple(blocked)

    def waits_for(self, address: Address) -> tuple[Address, ...]:
        """Return what stands between a change and its start."""
        return tuple(
            one for one in self._dependencies[address] if self.statuses[one] is not ChangeStatus.DONE
        )

    def changes_in(self, state: ChangeStatus) -> tuple[Address, ...]:
        """Return the changes that are in ``state``."""
        return tuple(one for one, now in self.statuses.items() if now is state)

    def _transition_to(self, address: Address, event: ScheduleEvent) -> None:
        self.statuses[address] = STATUS_TRANSITIONS[self.statuses[address], event]


def _reject_cycles(edges: Mapping[Address, tuple[Address, ...]]) -> None:
    left = {one: set(others) for one, others in edges.items()}
    free = deque(one for one, others in left.items() if not others)
    followers: dict[Address, list[Address]] = {one: [] for one in edges}
    for one, others in edges.items():
        for other in others:
            followers[other].append(one)
    while free:
        done = free.popleft()
        del left[done]
        for follower in followers[done]:
            left[follower].discard(done)
            if not left[follower]:
                free.append(follower)
    if left:
        raise DependencyCycle(_find_cycle(left))


def _find_cycle(left: Mapping[Address, set[Address]]) -> tuple[Address, ...]:
    here = min(left)
    path: list[Address] = []
    while here not in path:
        path.append(here)
        here = min(left[here])
    return (*path[path.index(here) :], here)
