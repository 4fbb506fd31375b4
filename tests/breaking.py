"""A server of raw sockets with scripted behaviour, and a clock that advances only in sleeps."""

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from keyturn.client.messages import ClientClock


@dataclass
class Clock:
    """Time that passes in sleeps alone; ``naps`` are their lengths."""

    time: float = 1000.0
    wall: float = 1_800_000_000.0
    chance: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.naps.append(seconds)
        self.time += seconds
        self.wall += seconds

    def client_clock(self) -> ClientClock:
        """Return the clock of a client."""
        return ClientClock(
            monotonic=lambda: self.time,
            now=lambda: self.wall,
            sleep=self.sleep,
            random_fraction=lambda: self.chance,
        )


@dataclass
class Sent:
    """One request as it came over the wire."""

    head: str
    body: bytes

    @property
    def line(self) -> str:
        """Method and target."""
        return self.head.partition("\r\n")[0].removesuffix(" HTTP/1.1")

    def header(self, name: str) -> str | None:
        """Return a header's value, None if it is not there."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return None


Act = Callable[[socket.socket], bool]


class Raw:
    """A server that meets the n-th request with the n-th act; an act returns whether to keep the line."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self.connections = 0
        self.over = threading.Event()
        self._acts: list[Act] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def acts(self, *acts: Act) -> None:
        """Say what to do with the next requests."""
        self._acts += acts

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self.over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            line.settimeout(5)
            self._threads.append(threading.Thread(target=self._serve, args=(line,), daemon=True))
            self._threads[-1].start()

    def _serve(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            while (sent := self._read(line)) is not None:
                self.requests.append(sent)
                if not self._acts.pop(0)(line):
                    return

    def _read(self, line: socket.socket) -> Sent | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = line.recv(65_536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        sent = Sent(head.decode("latin-1"), body)
        while len(sent.body) < int(sent.header("content-length") or 0):
            sent.body += line.recv(65_536)
        return sent


def answer(body: object = None, status: int = 200, **headers: str) -> Act:
    """Answer in full; ``body`` is bytes or becomes JSON, ``retry_after="1"`` a header."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines) + "\r\n\r\n"

    def act(line: socket.socket) -> bool:
        line.sendall(head.encode("latin-1") + content)
        return True

    return act


def say(data: bytes) -> Act:
    """Send these bytes and close."""

    def act(line: socket.socket) -> bool:
        line.sendall(data)
        return False

    return act


def reset(data: bytes = b"") -> Act:
    """Send these bytes, then break the connection."""

    def act(line: socket.socket) -> bool:
        line.sendall(data)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return act
