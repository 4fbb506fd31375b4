"""Answers on the wire, whole or broken: headers, pieces, cut bodies, connections that really break."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRANSPORT = "planasonix_emulator.transport"
"""The key in a scope's state under which the listener leaves the transport of the connection."""

_LARGEST_BODY = 8 * 1024 * 1024


class TooLarge(Exception):  # noqa: N818 - an event on the wire
    """A request body beyond 8 MiB."""


class Gone(Exception):  # noqa: N818 - an event on the wire
    """The client left before its request was whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request's connection: what it brings, what takes the answer, and the socket underneath."""

    scope: Message
    receive: Receive
    send: Send

    def headers(self) -> dict[str, str]:
        """Return the request's headers by lower-case name, the last of each."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}

    async def body(self) -> bytes:
        """Read the whole request body; raises TooLarge or Gone."""
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Gone
            piece = message.get("body", b"")
            pieces.append(piece)
            size += len(piece)
            if size > _LARGEST_BODY:
                raise TooLarge
            if not message.get("more_body", False):
                return b"".join(pieces)

    async def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer."""
        await self._start(status, headers, len(body))
        await self.send({"type": "http.response.body", "body": body})

    async def answer_cut(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Promise the whole body, send half of it, close the connection."""
        await self._start(status, headers, len(body))
        await self.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        self.close()
        await self._until_gone()

    async def answer_slowly(
        self, status: int, headers: list[tuple[str, str]], body: bytes, pace: tuple[int, float]
    ) -> None:
        """Send the body in pieces of so many bytes, so many seconds apart."""
        size, seconds = pace
        await self._start(status, headers, len(body))
        for start in range(0, len(body), size):
            await self.send(
                {"type": "http.response.body", "body": body[start : start + size], "more_body": True}
            )
            await asyncio.sleep(seconds)
        await self.send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Close the connection once what was sent has left, without a word about it in the headers."""
        transport = self._transport()
        if transport is not None:
            transport.close()

    async def drop(self) -> None:
        """Break the connection without a byte of an answer: the client sees a reset."""
        transport = self._transport()
        if transport is not None:
            raw = transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        await self._until_gone()

    async def hang(self, seconds: float) -> None:
        """Keep silent for so long, or with 0 until the client leaves."""
        if seconds:
            await asyncio.sleep(seconds)
        else:
            await self._until_gone()

    async def _start(self, status: int, headers: list[tuple[str, str]], length: int) -> None:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        if status != HTTPStatus.NO_CONTENT:
            encoded.append((b"content-length", str(length).encode()))
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    def _transport(self) -> asyncio.Transport | None:
        return self.scope.get("state", {}).get(TRANSPORT)  # type: ignore[no-any-return]

    async def _until_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
