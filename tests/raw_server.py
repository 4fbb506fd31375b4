"""A server of raw sockets with scripted behaviour."""

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass
class RawRequest:
    """One request as received."""

    head: str
    body: bytes

    @property
    def line(self) -> str:
        """Method and target."""
        return self.head.partition("\r\n")[0].removesuffix(" HTTP/1.1")

    def header(self, name: str) -> str | None:
        """Return the value of a header, None if it is missing."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return None


Action = Callable[[socket.socket], bool]


class RawServer:
    """Handles the n-th request with the n-th action, which returns whether to keep the connection open."""

    def __init__(self) -> None:
        self.requests: list[RawRequest] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._actions: list[Action] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *actions: Action) -> None:
        """Append the actions for the next requests."""
        self._actions += actions

    def stop(self) -> None:
        """Stop the server and its connections."""
        self.stopped.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(5)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while (request := self._read(connection)) is not None:
                self.requests.append(request)
                if not self._actions.pop(0)(connection):
                    return

    def _read(self, connection: socket.socket) -> RawRequest | None:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65_536)
            if not chunk:
                return None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        request = RawRequest(head.decode("latin-1"), body)
        while len(request.body) < int(request.header("content-length") or 0):
            request.body += connection.recv(65_536)
        return request


def respond(body: object = None, status: int = 200, **headers: str) -> Action:
    """Send a complete response; ``body`` is bytes or is encoded as JSON; ``retry_after="1"`` is a header."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines) + "\r\n\r\n"

    def action(connection: socket.socket) -> bool:
        connection.sendall(head.encode("latin-1") + content)
        return True

    return action


def send_bytes(data: bytes) -> Action:
    """Send bytes and close the connection."""

    def action(connection: socket.socket) -> bool:
        connection.sendall(data)
        return False

    return action


def reset_connection(data: bytes = b"") -> Action:
    """Send bytes and reset the connection."""

    def action(connection: socket.socket) -> bool:
        connection.sendall(data)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return action
