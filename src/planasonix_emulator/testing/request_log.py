"""The request log: each request without its body."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True, kw_only=True)
class LoggedRequest:
    """One request: `number` counts all requests, `write` the writes; status 0 means no response was sent."""

    number: int
    write: int
    method: str
    path: str
    at: int
    status: int = 0
    kept: bool = False


class RequestLog:
    """All requests since the last reset."""

    def __init__(self) -> None:
        self._requests: list[LoggedRequest] = []
        self._writes = 0

    def __len__(self) -> int:
        return len(self._requests)

    def clear(self) -> None:
        """Delete all entries; the next request has number 1."""
        self._requests.clear()
        self._writes = 0

    def add_request(self, method: str, path: str, at: int, *, write: bool) -> LoggedRequest:
        """Number a request and append it."""
        self._writes += write
        entry = LoggedRequest(
            number=len(self._requests) + 1, write=self._writes, method=method, path=path, at=at
        )
        self._requests.append(entry)
        return entry

    def list_requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the requests with a number above `since`."""
        return [asdict(entry) for entry in self._requests[since:]]
