"""What the emulator saw, for tests to ask: requests without bodies, and secrets by salted digest only."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from planasonix_emulator.secrecy import leaves


@dataclass(slots=True, kw_only=True)
class Seen:
    """One line of the request log; status 0 means that no answer was given."""

    number: int
    write: int
    method: str
    path: str
    at: int
    status: int = 0
    kept: bool = False


class Witness:
    """Remember requests, every secret received, and every (secret, destination) that ever stood."""

    def __init__(self) -> None:
        self._log: list[Seen] = []
        self._writes = 0
        self._received: Counter[str] = Counter()
        self._pairs: dict[tuple[str, str, str, str], None] = {}

    def forget(self) -> None:
        """Begin again at request 1, with nothing seen."""
        self._log.clear()
        self._writes = 0
        self._received.clear()
        self._pairs.clear()

    def begin(self, method: str, path: str, at: int, *, write: bool) -> Seen:
        """Number a request and write it down."""
        self._writes += write
        seen = Seen(number=len(self._log) + 1, write=self._writes, method=method, path=path, at=at)
        self._log.append(seen)
        return seen

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the log from the request after this number on."""
        return [asdict(seen) for seen in self._log[since:]]

    def receive(self, secret: Mapping[str, Any]) -> None:
        """Count the values of a tree of secrets that arrived."""
        for _, value in leaves(secret):
            self._received[_text(value)] += 1

    def pair(self, secret: Mapping[str, Any], credential: str, holder: str, destination: str) -> None:
        """Note that these secrets stood beside a destination, a plain configuration as JSON text."""
        for _, value in leaves(secret):
            self._pairs[_text(value), credential, holder, destination] = None

    def received(self, salt: str) -> dict[str, int]:
        """Return how often each secret arrived, by its digest."""
        return {digest(salt, text): count for text, count in self._received.items()}

    def pairs(self, salt: str) -> list[dict[str, Any]]:
        """Return every pair that ever stood: digest, credential, holder of the destination, settings there.

        The holder is the id of a credential or a connection, or "test" for what only a test joined.
        """
        return [
            {
                "secret": digest(salt, text),
                "credential": credential,
                "holder": holder,
                "destination": json.loads(destination),
            }
            for text, credential, holder, destination in self._pairs
        ]


def digests(salt: str, secret: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of each leaf by its dotted path."""
    return {".".join(path): digest(salt, _text(value)) for path, value in leaves(secret)}


def digest(salt: str, text: str) -> str:
    """Return SHA-256 over the salt's UTF-8 followed by the secret's, in hexadecimal digits."""
    return hashlib.sha256(salt.encode() + text.encode()).hexdigest()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
