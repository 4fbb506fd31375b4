"""The log of received secrets; tests read it by salted digest only."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from planasonix_emulator.storage.secrets import list_leaves


class SecretLog:
    """Record each received secret and each destination that a secret was stored or tested with."""

    def __init__(self) -> None:
        self._received: Counter[str] = Counter()
        self._pairings: dict[tuple[str, str, str, str], None] = {}

    def clear(self) -> None:
        """Delete all entries."""
        self._received.clear()
        self._pairings.clear()

    def record_received(self, secrets: Mapping[str, Any]) -> None:
        """Count the values of a received tree of secrets."""
        for _, value in list_leaves(secrets):
            self._received[_format_value(value)] += 1

    def record_pairing(
        self, secrets: Mapping[str, Any], credential: str, holder: str, destination: str
    ) -> None:
        """Record that these secrets were used with a destination, a plain configuration as JSON text."""
        for _, value in list_leaves(secrets):
            self._pairings[_format_value(value), credential, holder, destination] = None

    def count_received(self, salt: str) -> dict[str, int]:
        """Return how often each secret was received, by its digest."""
        return {digest_secret(salt, text): count for text, count in self._received.items()}

    def list_pairings(self, salt: str) -> list[dict[str, Any]]:
        """Return all pairings: digest of the secret, credential, holder, configuration of the destination.

        The holder is the id of the credential or connection that has the destination, or "test" for a
        destination that only a connection test combined with the secret.
        """
        return [
            {
                "secret": digest_secret(salt, text),
                "credential": credential,
                "holder": holder,
                "destination": json.loads(destination),
            }
            for text, credential, holder, destination in self._pairings
        ]


def digest_leaves(salt: str, secrets: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of each leaf by its dotted path."""
    return {".".join(path): digest_secret(salt, _format_value(value)) for path, value in list_leaves(secrets)}


def digest_secret(salt: str, text: str) -> str:
    """Return the SHA-256 of the salt and the secret, both in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(salt.encode() + text.encode()).hexdigest()


def _format_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
