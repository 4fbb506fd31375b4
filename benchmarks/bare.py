"""Requests without a client around them: what an emulator answers at most, one by one and side by side."""

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

from fleet import KEY

_ASKED = f"GET {{}} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n"
_END = b"\r\n\r\n"


class _Line:
    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def ask(self, path: str) -> int:
        self._socket.sendall(_ASKED.format(path).encode())
        data = b""
        while _END not in data:
            data += self._socket.recv(1 << 16)
        head, _, body = data.partition(_END)
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        have = len(body)
        while have < length:
            have += len(self._socket.recv(1 << 16))
        return length


def seconds(base_url: str, path: str, count: int, at_once: int = 1) -> float:
    """Return how long ``count`` requests for ``path`` take, on ``at_once`` connections."""

    def some(number: int) -> None:
        with closing(_Line(base_url)) as line:
            for _ in range(number, count, at_once):
                line.ask(path)

    begin = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(some, range(at_once)))
    return time.perf_counter() - begin


def processor_seconds(pid: int) -> float:
    """Return what a process of this machine has used of its processors; 0 where nothing tells."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            told = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
