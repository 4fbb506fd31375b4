"""A client of the control API: one method for each operation."""

import http.client
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

CONTROL_PREFIX = "/_emulator/"
CONTROL_TOKEN_HEADER = "x-emulator-token"  # noqa: S105  # the name of a header


class ControlError(Exception):
    """The control API rejected a request; the message is that of the response."""


class ControlClient:
    """Configure and inspect a running emulator, in this process or in another."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url
        self.token = token
        self._connection: http.client.HTTPConnection | None = None

    def change_settings(self, **settings: Any) -> dict[str, Any]:
        """Change settings; return all settings."""
        return dict(self._call("PATCH", "settings", settings))

    def read_settings(self) -> dict[str, Any]:
        """Return all settings."""
        return dict(self._call("GET", "settings"))

    def add_fault(self, kind: str, **fields: Any) -> None:
        """Add one fault; the fields are those of `faults.Fault`."""
        self._call("POST", "faults", [{"kind": kind, **fields}])

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Replace all faults."""
        self._call("PUT", "faults", list(faults))

    def list_faults(self) -> list[dict[str, Any]]:
        """Return the faults, each with `met`, the number of matching requests."""
        return list(self._call("GET", "faults"))

    def set_targets(self, targets: Sequence[Mapping[str, Any]]) -> None:
        """Replace the simulated targets; the fields are those of `targets.SimulatedTarget`."""
        self._call("PUT", "targets", list(targets))

    def seed_objects(self, **trees: Any) -> dict[str, list[str]]:
        """Create lists of credentials, connections, pipelines, schedules and syncs; return the new ids."""
        return dict(self._call("POST", "seed", trees))

    def perform_ui_action(self, action: str, **description: Any) -> dict[str, Any]:
        """Edit, trash, restore, purge or authorize an object as a user does in the UI.

        `id`, or `collection` and `name`, select the object; an edit has a `change`.
        """
        return dict(self._call("POST", "act", {"action": action, **description}))

    def edit_in_ui(self, collection: str, name: str, /, **change: Any) -> dict[str, Any]:
        """Change an object in the UI: name, config (merged, None removes), credentialId."""
        return self.perform_ui_action("edit", collection=collection, name=name, change=change)

    def accept_key(self, key: str, **fields: Any) -> None:
        """Accept an API key; the fields are organization and scopes."""
        self._call("POST", "keys", {"key": key, **fields})

    def revoke_key(self, key: str) -> None:
        """Reject an API key from now on."""
        self._call("POST", "keys", {"key": key, "revoked": True})

    def set_clock(self, **fields: Any) -> float:
        """Hold (`hold=True`, or seconds since 1970), `advance` or `run` the clock; return its seconds."""
        return float(self._call("POST", "clock", fields)["now"])

    def list_requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the request log: number, write, method, path, at, status (0: no response), kept."""
        return list(self._call("POST", "requests", {"since": since}))

    def count_secrets(self, salt: str) -> dict[str, int]:
        """Return how often each secret was received, by its salted digest."""
        return dict(self._call("POST", "secrets", {"salt": salt}))

    def list_pairings(self, salt: str) -> list[dict[str, Any]]:
        """Return each secret and destination that were stored or tested together."""
        return list(self._call("POST", "pairs", {"salt": salt}))

    def list_held_secrets(self, salt: str) -> list[dict[str, Any]]:
        """Return each object with the digests of its secrets by dotted path."""
        return list(self._call("POST", "holds", {"salt": salt}))

    def read_state(self) -> dict[str, Any]:
        """Return everything that is stored, without secrets."""
        return dict(self._call("GET", "state"))

    def reset(self, *, settings: bool = False) -> None:
        """Delete all objects, logs and faults, and resume the clock; keys and targets remain.

        With `settings`, the settings of the start are restored, too.
        """
        self._call("POST", "reset", {"settings": settings})

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _call(self, method: str, operation: str, tree: Any = None) -> Any:
        body = None if tree is None else json.dumps(tree).encode()
        try:
            status, raw = self._exchange(method, operation, body)
        except (http.client.HTTPException, OSError):
            self.close()
            status, raw = self._exchange(method, operation, body)
        result = json.loads(raw)
        if status != HTTPStatus.OK:
            raise ControlError(result.get("error", "rejected"))
        return result

    def _exchange(self, method: str, operation: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            parts = urlsplit(self.base_url)
            self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        headers = {CONTROL_TOKEN_HEADER: self.token, "Content-Type": "application/json"}
        self._connection.request(method, CONTROL_PREFIX + operation, body=body, headers=headers)
        response = self._connection.getresponse()
        return response.status, response.read()
