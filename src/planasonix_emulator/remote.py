"""The side channel from the other end: one method for each thing that a test sets or asks."""

import http.client
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from planasonix_emulator.control import HEADER


class RemoteError(Exception):
    """The side channel refused; the message is its own."""


class Remote:
    """Steer a running emulator, in this process or in another."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url
        self.token = token
        self._connection: http.client.HTTPConnection | None = None

    def set(self, **settings: Any) -> dict[str, Any]:
        """Change settings; return all of them."""
        return dict(self._call("PATCH", "settings", settings))

    def settings(self) -> dict[str, Any]:
        """Return all settings."""
        return dict(self._call("GET", "settings"))

    def fault(self, kind: str, **fields: Any) -> None:
        """Set one more fault; the fields are those of `faults.Fault`."""
        self._call("POST", "faults", [{"kind": kind, **fields}])

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Set exactly these faults."""
        self._call("PUT", "faults", list(faults))

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are set, each with `met`, the number of requests that fitted it."""
        return list(self._call("GET", "faults"))

    def set_targets(self, targets: Sequence[Mapping[str, Any]]) -> None:
        """Describe the simulated systems behind connections; the fields are those of `targets.Target`."""
        self._call("PUT", "targets", list(targets))

    def seed(self, **trees: Any) -> dict[str, list[str]]:
        """Create credentials, connections, pipelines, schedules, syncs (lists of objects) in one go."""
        return dict(self._call("POST", "seed", trees))

    def act(self, action: str, **what: Any) -> dict[str, Any]:
        """Do as people do in the UI: edit, trash, restore, purge or authorize an object.

        The object is named by `id`, or by `collection` and `name`; an edit takes `change`.
        """
        return dict(self._call("POST", "act", {"action": action, **what}))

    def edit(self, collection: str, name: str, /, **change: Any) -> dict[str, Any]:
        """Change an object in the UI: name, config (merged, None removes), credentialId."""
        return self.act("edit", collection=collection, name=name, change=change)

    def admit(self, key: str, **fields: Any) -> None:
        """Let an API key in: organization, scopes."""
        self._call("POST", "keys", {"key": key, **fields})

    def revoke(self, key: str) -> None:
        """Refuse an API key from now on."""
        self._call("POST", "keys", {"key": key, "revoked": True})

    def clock(self, **fields: Any) -> float:
        """Hold (`hold=True`, or seconds since 1970), `advance` or `run`; return the time in seconds."""
        return float(self._call("POST", "clock", fields)["now"])

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the request log: number, write, method, path, at, status (0: no answer), kept."""
        return list(self._call("POST", "requests", {"since": since}))

    def secrets(self, salt: str) -> dict[str, int]:
        """Return how often each secret was received, by SHA-256 over salt and value."""
        return dict(self._call("POST", "secrets", {"salt": salt}))

    def pairs(self, salt: str) -> list[dict[str, Any]]:
        """Return every secret and destination that ever stood together."""
        return list(self._call("POST", "pairs", {"salt": salt}))

    def holds(self, salt: str) -> list[dict[str, Any]]:
        """Return every object with the digests of the secrets it holds now, by their dotted path."""
        return list(self._call("POST", "holds", {"salt": salt}))

    def state(self) -> dict[str, Any]:
        """Return everything that is kept, without secrets."""
        return dict(self._call("GET", "state"))

    def reset(self, *, settings: bool = False) -> None:
        """Empty the deployment, its log, faults and clock; keys and targets stay, settings unless asked."""
        self._call("POST", "reset", {"settings": settings})

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _call(self, method: str, path: str, tree: Any = None) -> Any:
        body = None if tree is None else json.dumps(tree).encode()
        try:
            status, raw = self._exchange(method, path, body)
        except (http.client.HTTPException, OSError):
            self.close()
            status, raw = self._exchange(method, path, body)
        answer = json.loads(raw)
        if status != HTTPStatus.OK:
            raise RemoteError(answer.get("error", "refused"))
        return answer

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            parts = urlsplit(self.base_url)
            self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        headers = {HEADER: self.token, "Content-Type": "application/json"}
        self._connection.request(method, f"/_emulator/{path}", body=body, headers=headers)
        response = self._connection.getresponse()
        return response.status, response.read()
