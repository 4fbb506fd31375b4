"""Which change may run next: a table of moves, no threads.

A change waits until everything it waits for is done, then it is ready, then it runs, and ends
done or failed. A failure blocks whatever waits for it, at once and all the way down. A move that
the table does not list is a mistake of the caller and raises KeyError.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum

from keyturn.core.address import Address


class State(Enum):
    """Where a change is on its way."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"


class Event(Enum):
    """What can happen to a change."""

    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"
    BLOCK = "block"


MOVES: Mapping[tuple[State, Event], State] = {
    (State.WAITING, Event.START): State.RUNNING,
    (State.WAITING, Event.BLOCK): State.BLOCKED,
    (State.RUNNING, Event.SUCCEED): State.DONE,
    (State.RUNNING, Event.FAIL): State.FAILED,
}


class Cycle(Exception):  # noqa: N818
    """Raised for changes that wait for each other; ``path`` names them, the first one twice."""

    def __init__(self, path: tuple[Address, ...]) -> None:
        super().__init__(" → ".join(map(str, path)))
        self.path = path


class Schedule:
    """The one holder of state in core: a copy for each move would cost a 10,000-change plan its speed.

    ``waits`` maps each change to those it waits for; others than those listed count as done.
    Raises ``Cycle``.
    """

    def __init__(self, waits: Mapping[Address, Iterable[Address]]) -> None:
        edges = {
            one: tuple(dict.fromkeys(other for other in others if other in waits))
            for one, others in waits.items()
        }
        _refuse_cycles(edges)
        self.states = dict.fromkeys(edges, State.WAITING)
        self._edges = edges
        self._open = {one: len(others) for one, others in edges.items()}
        self._followers: dict[Address, list[Address]] = {one: [] for one in edges}
        for one, others in edges.items():
            for other in others:
                self._followers[other].append(one)
        self._ready = deque(one for one, count in self._open.items() if not count)

    def take(self) -> Address | None:
        """Start the next ready change and return it; None when nothing is ready."""
        while self._ready:
            address = self._ready.popleft()
            if self.states[address] is State.WAITING:
                self._move(address, Event.START)
                return address
        return None

    def succeed(self, address: Address) -> None:
        """Note that a running change is done: its followers are one step nearer."""
        self._move(address, Event.SUCCEED)
        for follower in self._followers[address]:
            self._open[follower] -= 1
            if not self._open[follower]:
                self._ready.append(follower)

    def fail(self, address: Address) -> tuple[Address, ...]:
        """Note that a running change failed; return what is blocked by it from now on."""
        self._move(address, Event.FAIL)
        blocked: list[Address] = []
        queue = [address]
        while queue:
            for follower in self._followers[queue.pop()]:
                if self.states[follower] is State.WAITING:
                    self._move(follower, Event.BLOCK)
                    blocked.append(follower)
                    queue.append(follower)
        return tuple(blocked)

    def waits_for(self, address: Address) -> tuple[Address, ...]:
        """Return what stands between a change and its start."""
        return tuple(one for one in self._edges[address] if self.states[one] is not State.DONE)

    def standing(self, state: State) -> tuple[Address, ...]:
        """Return the changes that are in ``state``."""
        return tuple(one for one, now in self.states.items() if now is state)

    def _move(self, address: Address, event: Event) -> None:
        self.states[address] = MOVES[self.states[address], event]


def _refuse_cycles(edges: Mapping[Address, tuple[Address, ...]]) -> None:
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
        raise Cycle(_walk(left))


def _walk(left: Mapping[Address, set[Address]]) -> tuple[Address, ...]:
    here = min(left)
    path: list[Address] = []
    while here not in path:
        path.append(here)
        here = min(left[here])
    return (*path[path.index(here) :], here)
