"""What faults do to one request: instead of its work, within it, and to its answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http import HTTPStatus

from planasonix_emulator.dialects import speaking
from planasonix_emulator.faults import Fault
from planasonix_emulator.messages import Problem, Reply
from planasonix_emulator.people import edit
from planasonix_emulator.wire import Line
from planasonix_emulator.world import World


class Trouble:
    """The faults that one request meets; most meet none."""

    def __init__(self, world: World, faults: tuple[Fault, ...], path: str) -> None:
        self._world = world
        self._path = path
        self._faults = {fault.kind: fault for fault in faults}
        self.over = False

    async def before(self, line: Line) -> Reply | None:
        """Strike before any work; return an answer that replaces it. `over` says that the client got none."""
        if not self._faults:
            return None
        latency, hang = self._faults.get("latency"), self._faults.get("hang")
        if latency is not None:
            await asyncio.sleep(latency.seconds)
        if hang is not None:
            await line.hang(hang.seconds)
            self.over = not hang.seconds
        elif "drop_before" in self._faults:
            await line.drop()
            self.over = True
        if self.over:
            return None
        self._intrude("edit_before")
        return self._refusal()

    @contextmanager
    def intruding(self) -> Iterator[None]:
        """Let an edit happen inside the work, and another after it; or make a write keep nothing."""
        world, settings = self._world, self._world.settings
        if not self._faults:
            yield
            return
        if "ignore" in self._faults:
            world.settings = replace(settings, credential_put="ignore", connection_put="ignore")
        world.intrusion = lambda: self._intrude("edit_inside")
        try:
            yield
        finally:
            world.intrusion = None
            if "ignore" in self._faults:
                world.settings = settings
        self._intrude("edit_after")

    def spoiled(self, reply: Reply) -> Reply:
        """Put an error, or another object, in the place of the answer to work that was done."""
        fault = self._faults.get("status_after")
        if fault is not None:
            return self._error(fault)
        if "other_object" in self._faults:
            return replace(reply, body=_renamed(reply.body))
        return reply

    def cut(self, body: bytes) -> bytes:
        """Return the body as it is sent: whole, another, no JSON any more, or empty."""
        other = self._faults.get("body_after")
        if other is not None:
            return other.body.encode()
        if "empty_after" in self._faults:
            return b""
        return body[:-1] + b"<" if "invalid_after" in self._faults and body else body

    async def after(self, line: Line) -> bool:
        """Withhold the answer to work that was done; return whether one is to be sent."""
        if "drop_after" in self._faults:
            await line.drop()
            return False
        hang = self._faults.get("hang_after")
        if hang is not None:
            await line.hang(hang.seconds)
            return bool(hang.seconds)
        return True

    async def deliver(self, line: Line, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send the answer: at once, cut short, or drop by drop."""
        slow = self._faults.get("slow_body")
        if "truncate_after" in self._faults:
            await (line.answer_cut(status, headers, body) if body else line.drop())
        elif slow is not None:
            await line.answer_slowly(status, headers, body, (max(slow.piece, 1), slow.seconds))
        else:
            await line.answer(status, headers, body)
        if "close_after" in self._faults:
            line.close()

    def _intrude(self, kind: str) -> None:
        fault = self._faults.get(kind)
        if fault is not None:
            with suppress(Problem):
                edit(self._world, fault.edit, self._path)

    def _refusal(self) -> Reply | None:
        limited, refused = self._faults.get("rate_limit"), self._faults.get("status_before")
        if limited is not None:
            waits = (("Retry-After", limited.retry_after),) if limited.retry_after else ()
            problem = Problem(
                HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", "Too many requests; try again later."
            ).having(*waits)
            return Reply(
                HTTPStatus.TOO_MANY_REQUESTS, speaking(self._world.settings).problem(problem), problem.headers
            )
        return None if refused is None else self._error(refused)

    def _error(self, fault: Fault) -> Reply:
        problem = Problem(fault.status, fault.code, fault.message)
        tree = speaking(self._world.settings).problem(problem)
        return Reply(fault.status, tree, tuple(fault.headers.items()))


def _renamed(tree: object) -> object:
    if isinstance(tree, list):
        return [_renamed(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        name: "somebody_else" if name in ("id", "name") and isinstance(value, str) else _renamed(value)
        for name, value in tree.items()
    }
