"""Requests over plain sockets: the throughput limit of the emulator, with one or more connections."""

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

from sample_repository import API_KEY

_REQUEST = f"GET {{}} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {API_KEY}\r\n\r\n"
_HEAD_END = b"\r\n\r\n"


class _Connection:
    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def send_request(self, path: str) -> None:
        self._socket.sendall(_REQUEST.format(path).encode())
        data = b""
        while _HEAD_END not in data:
            data += self._socket.recv(1 << 16)
        head, _, body = data.partition(_HEAD_END)
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        received = len(body)
        while received < length:
            received += len(self._socket.recv(1 << 16))


def time_requests(base_url: str, path: str, count: int, connections: int = 1) -> float:
    """Return the seconds that ``count`` requests for ``path`` take on ``connections`` connections."""

    def send_share(first: int) -> None:
        with closing(_Connection(base_url)) as connection:
            for _ in range(first, count, connections):
                connection.send_request(path)

    start = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send_share, range(connections)))
    return time.perf_counter() - start


def read_processor_seconds(pid: int) -> float:
    """Return the processor time of a process of this machine in seconds; 0 without ``/proc``."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
