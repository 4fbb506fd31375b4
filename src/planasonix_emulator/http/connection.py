"""The connection of one request: complete responses, broken responses, and the socket."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]

TRANSPORT = "planasonix_emulator.transport"
"""The key in the scope's state under which the server stores the transport of the connection."""

_MAX_BODY_BYTES = 8 * 1024 * 1024


class BodyTooLargeError(Exception):
    """The request body is larger than 8 MiB."""


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


@dataclass(frozen=True, slots=True)
class HttpConnection:
    """The connection of one request; all methods that send take raw headers without a content length."""

    scope: Scope
    receive: Receive
    send: Send

    async def read_body(self) -> bytes:
        """Read the request body; raises BodyTooLargeError or ClientGoneError."""
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece = message.get("body", b"")
            pieces.append(piece)
            size += len(piece)
            if size > _MAX_BODY_BYTES:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return b"".join(pieces)

    async def send_response(self, status: int, headers: RawHeaders, body: bytes) -> None:
        """Send a complete response."""
        await self._send_head(status, headers, len(body))
        await self.send({"type": "http.response.body", "body": body})

    async def send_truncated(self, status: int, headers: RawHeaders, body: bytes) -> None:
        """Announce the full length, send half of the body, close the connection."""
        await self._send_head(status, headers, len(body))
        await self.send(_body_piece(body[: len(body) // 2]))
        self.close()
        await self._wait_for_client()

    async def send_slowly(
        self, status: int, headers: RawHeaders, body: bytes, *, piece_bytes: int, seconds: float
    ) -> None:
        """Send the body in pieces with a delay after each."""
        await self._send_head(status, headers, len(body))
        for start in range(0, len(body), piece_bytes):
            await self.send(_body_piece(body[start : start + piece_bytes]))
            await asyncio.sleep(seconds)
        await self.send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Close the connection after the bytes sent so far; no header announces it."""
        transport = self._find_transport()
        if transport is not None:
            transport.close()

    async def drop(self) -> None:
        """Reset the connection without a response."""
        transport = self._find_transport()
        if transport is not None:
            raw = transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        await self._wait_for_client()

    async def hang(self, seconds: float) -> None:
        """Send nothing for this time; with 0 until the client closes the connection."""
        if seconds:
            await asyncio.sleep(seconds)
        else:
            await self._wait_for_client()

    async def _send_head(self, status: int, headers: RawHeaders, length: int) -> None:
        if status != HTTPStatus.NO_CONTENT:
            headers = [*headers, (b"content-length", str(length).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    def _find_transport(self) -> asyncio.Transport | None:
        return self.scope.get("state", {}).get(TRANSPORT)  # type: ignore[no-any-return]

    async def _wait_for_client(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _body_piece(piece: bytes) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": True}
