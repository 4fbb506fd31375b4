"""The ASGI application: numbers each request, lets faults strike, authenticates, routes, answers."""

import asyncio
import inspect
import json
import traceback
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from planasonix_emulator.access import allow
from planasonix_emulator.control import Control
from planasonix_emulator.dialects import speaking
from planasonix_emulator.faults import writes
from planasonix_emulator.messages import Problem, Reply, Request, encode
from planasonix_emulator.openapi import PATHS as DOCUMENT_PATHS
from planasonix_emulator.openapi import document
from planasonix_emulator.pace import Pace
from planasonix_emulator.routes import routed
from planasonix_emulator.trouble import Trouble
from planasonix_emulator.wire import Gone, Line, Message, Receive, Send, TooLarge
from planasonix_emulator.witness import Seen
from planasonix_emulator.world import World

_ROUNDING = 0.001
"""Seconds by which a wait may last longer than asked: a loop's selector rounds up to whole milliseconds."""

_TOO_LARGE = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "The body is too large.")


class App:
    """The whole service as one ASGI callable over a world; `token` opens its control channel."""

    def __init__(self, world: World, token: str = "") -> None:
        self.world = world
        self._control = Control(world, token)
        self._pace = Pace()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other kinds of connection are not served."""
        if scope["type"] != "http":
            return
        line = Line(scope, receive, send)
        try:
            body = await line.body()
        except Gone:
            return
        except TooLarge:
            await self._send(line, self._refusal(_TOO_LARGE))
            return
        if scope["path"].startswith("/_emulator/"):
            await self._send(line, self._control.answer(scope["method"], scope["path"], line.headers(), body))
            return
        await self._exchange(line, body)

    async def _exchange(self, line: Line, body: bytes) -> None:
        world, method, path = self.world, line.scope["method"], line.scope["path"]
        wait = world.settings.latency_ms / 1000
        due = asyncio.get_running_loop().time() + wait if wait else 0.0
        bare = path.removeprefix("/v1") if path.startswith("/v1/api/") else path
        write = writes(method, bare)
        seen = world.witness.begin(method, path, world.clock.now(), write=write)
        trouble = Trouble(world, world.faults.strike(method, bare, (seen.number, seen.write)), bare)
        reply = await trouble.before(line)
        if reply is None:
            if trouble.over:
                return
            reply = await self._reply(line, bare, body, trouble)
            seen.kept = write and reply.status < HTTPStatus.BAD_REQUEST
        if wait:
            await _until(due)
        await self._finish(line, reply, trouble, seen)

    async def _finish(self, line: Line, reply: Reply, trouble: Trouble, seen: Seen) -> None:
        reply = trouble.spoiled(reply)
        headers = [*self._headers(reply), ("X-Request-ID", f"req_{seen.number:08d}")]
        body = trouble.cut(b"" if reply.status == HTTPStatus.NO_CONTENT else reply.encoded())
        if not await trouble.after(line):
            return
        seen.status = reply.status
        await trouble.deliver(line, reply.status, headers, body)

    async def _reply(self, line: Line, path: str, body: bytes, trouble: Trouble) -> Reply:
        if path.startswith("/v1/") or path == "/v1":
            error = {"message": "No route for request", "type": "NoSuchEndpointException", "code": 404}
            return Reply(HTTPStatus.NOT_FOUND, {"error": error})
        if path in DOCUMENT_PATHS and line.scope["method"] == "GET":
            return Reply(HTTPStatus.OK, document())
        try:
            return await self._routed(line, path, body, trouble)
        except Problem as problem:
            return self._refusal(problem)
        except Exception as error:  # noqa: BLE001 - told as a reply, without the values that a traceback shows
            return self._refusal(_bug(error))

    async def _routed(self, line: Line, path: str, body: bytes, trouble: Trouble) -> Reply:
        world, scope = self.world, line.scope
        key = world.access.authenticate(line.headers(), world.settings)
        limits = self._pace.step(key.digest, world)
        route, params = routed(scope["method"], path)
        allow(key, route.scope)
        request = Request(
            method=scope["method"],
            path=path,
            query=_query(scope["query_string"]),
            body=_tree(body) if scope["method"] in ("POST", "PUT", "PATCH") else None,
            organization=key.organization,
            params=params,
        )
        with trouble.intruding():
            reply = route.answer(world, request)
            answered = await reply if inspect.isawaitable(reply) else reply
        return replace(answered, headers=(*answered.headers, *limits))

    def _refusal(self, problem: Problem) -> Reply:
        return Reply(problem.status, speaking(self.world.settings).problem(problem), problem.headers)

    def _headers(self, reply: Reply) -> list[tuple[str, str]]:
        headers = [("Date", self.world.clock.date()), *reply.headers]
        if reply.body is not None and reply.status != HTTPStatus.NO_CONTENT:
            headers.append(("Content-Type", "application/json"))
        return headers

    async def _send(self, line: Line, reply: Reply) -> None:
        await line.answer(reply.status, self._headers(reply), reply.encoded())


async def _until(due: float) -> None:
    # Benchmarks count in tenths of a millisecond: the last one is spent looking at the clock.
    clock = asyncio.get_running_loop().time
    if (early := due - clock() - _ROUNDING) > 0:
        await asyncio.sleep(early)
    while clock() < due:  # noqa: ASYNC110  # a time is awaited, not an event
        await asyncio.sleep(0)


def _bug(error: Exception) -> Problem:
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).stem}.{place.name}, line {place.lineno}"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "emulator_bug", f"{type(error).__name__} in {where}")


def _query(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}


def _tree(body: bytes) -> Any:
    if not body:
        return None
    try:
        tree = json.loads(body, parse_constant=_refused)
        if b"\\u" in body:
            encode(tree)  # half a surrogate pair is JSON, and no text
    except (ValueError, RecursionError):
        message = "The request body is not valid JSON."
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid_request", message) from None
    return tree


def _refused(constant: str) -> Any:
    raise ValueError(constant)
