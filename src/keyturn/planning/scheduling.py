"""The order of changes: dependencies, and a schedule that releases changes when they are ready.

References are written first and retirements last. A connection that was repointed outside keyturn
is reverted before its credential gets a new secret.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.resource import StateEntry
from keyturn.planning.exposure import has_secret_writes, is_drift_revert


class ChangeStatus(Enum):
    """The status of a change in the schedule."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"


class ScheduleEvent(Enum):
    """An event that changes the status of a change."""

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


class DependencyCycle(Exception):
    """Raised for changes that depend on each other; ``path`` lists them, the first one twice."""

    def __init__(self, path: tuple[Address, ...]) -> None:
        super().__init__(" → ".join(map(str, path)))
        self.path = path


class ChangeSchedule:
    """Releases changes in dependency order.

    ``dependencies`` maps each change to the changes that it depends on; changes that are not keys
    count as done. Raises DependencyCycle. The schedule is mutable, because copies of a plan with
    10,000 changes are slow.
    """

    def __init__(self, dependencies: Mapping[Address, Iterable[Address]]) -> None:
        self._dependencies = {
            address: tuple(dict.fromkeys(each for each in others if each in dependencies))
            for address, others in dependencies.items()
        }
        self._dependents = _invert_dependencies(self._dependencies)
        _reject_cycles(self._dependencies, self._dependents)
        self.statuses = dict.fromkeys(self._dependencies, ChangeStatus.WAITING)
        self._open_counts = {address: len(others) for address, others in self._dependencies.items()}
        self._ready = deque(address for address, count in self._open_counts.items() if not count)

    def take_next(self) -> Address | None:
        """Start the next ready change and return it; None if none is ready."""
        while self._ready:
            address = self._ready.popleft()
            if self.statuses[address] is ChangeStatus.WAITING:
                self._transition_to(address, ScheduleEvent.START)
                return address
        return None

    def mark_done(self, address: Address) -> None:
        """Record that a running change succeeded."""
        self._transition_to(address, ScheduleEvent.SUCCEED)
        for dependent in self._dependents[address]:
            self._open_counts[dependent] -= 1
            if not self._open_counts[dependent]:
                self._ready.append(dependent)

    def mark_failed(self, address: Address) -> tuple[Address, ...]:
        """Record that a running change failed; return the changes that it blocks."""
        self._transition_to(address, ScheduleEvent.FAIL)
        blocked: list[Address] = []
        queue = [address]
        while queue:
            for dependent in self._dependents[queue.pop()]:
                if self.statuses[dependent] is ChangeStatus.WAITING:
                    self._transition_to(dependent, ScheduleEvent.BLOCK)
                    blocked.append(dependent)
                    queue.append(dependent)
        return tuple(blocked)

    def waits_for(self, address: Address) -> tuple[Address, ...]:
        """Return the dependencies of a change that are not done."""
        return tuple(
            each for each in self._dependencies[address] if self.statuses[each] is not ChangeStatus.DONE
        )

    def _transition_to(self, address: Address, event: ScheduleEvent) -> None:
        self.statuses[address] = STATUS_TRANSITIONS[self.statuses[address], event]


def resolve_dependencies(
    changes: tuple[Change, ...], entries: Mapping[Address, StateEntry]
) -> tuple[Change, ...]:
    """Return the changes with their ``depends_on``: references first, retirements last."""
    planned = {change.address: change for change in changes}
    users = _users_by_reference(entries)
    return tuple(replace(change, depends_on=_dependencies_of(change, planned, users)) for change in changes)


def _users_by_reference(entries: Mapping[Address, StateEntry]) -> Mapping[Address, frozenset[Address]]:
    users: dict[Address, set[Address]] = {}
    for entry in entries.values():
        for leaf in entry.applied.values():
            if isinstance(leaf, Address):
                users.setdefault(leaf, set()).add(entry.address)
    return {address: frozenset(addresses) for address, addresses in users.items()}


def _is_live_user(other: Change, change: Change) -> bool:
    return bool(other.live and change.live and change.live.id in other.live.fields.values())


def _runs_after_user(credential: Change, user: Change) -> bool:
    # A reverted connection needs its credential to exist, so a retired credential is restored first.
    is_available = credential.action is not Action.RESTORE or _is_live_user(user, credential)
    return has_secret_writes(credential) and is_available


def _dependencies_of(
    change: Change, planned: Mapping[Address, Change], users: Mapping[Address, frozenset[Address]]
) -> tuple[Address, ...]:
    if change.action is Action.RETIRE:
        # A user that the same plan renames is planned under its new address.
        renamed = {
            Address(other.address.kind, other.renamed_from): other.address
            for other in planned.values()
            if other.renamed_from
        }
        dependencies = {renamed.get(user, user) for user in users.get(change.address, frozenset())}
        dependencies |= {other.address for other in planned.values() if _is_live_user(other, change)}
    elif change.desired:
        dependencies = {leaf for leaf in change.desired.fields.values() if isinstance(leaf, Address)}
        if has_secret_writes(change):
            dependencies |= {
                other.address
                for other in planned.values()
                if is_drift_revert(other) and _is_live_user(other, change)
            }
        elif is_drift_revert(change):
            dependencies = {
                each
                for each in dependencies
                if each in planned and not _runs_after_user(planned[each], change)
            }
    else:
        dependencies = set()
    return tuple(sorted(each for each in dependencies if each in planned and each != change.address))


def _invert_dependencies(
    dependencies: Mapping[Address, tuple[Address, ...]],
) -> dict[Address, list[Address]]:
    dependents: dict[Address, list[Address]] = {address: [] for address in dependencies}
    for address, others in dependencies.items():
        for other in others:
            dependents[other].append(address)
    return dependents


def _reject_cycles(
    dependencies: Mapping[Address, tuple[Address, ...]], dependents: Mapping[Address, list[Address]]
) -> None:
    remaining = {address: set(others) for address, others in dependencies.items()}
    ready = deque(address for address, others in remaining.items() if not others)
    while ready:
        done = ready.popleft()
        del remaining[done]
        for dependent in dependents[done]:
            remaining[dependent].discard(done)
            if not remaining[dependent]:
                ready.append(dependent)
    if remaining:
        raise DependencyCycle(_find_cycle(remaining))


def _find_cycle(remaining: Mapping[Address, set[Address]]) -> tuple[Address, ...]:
    address = min(remaining)
    path: list[Address] = []
    while address not in path:
        path.append(address)
        address = min(remaining[address])
    return (*path[path.index(address) :], address)
