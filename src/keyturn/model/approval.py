"""The approval digest: a hash of everything that changes what an apply does, or where.

A digest is ``kt2-`` and 38 base32 letters: 12 of the settings and 26 of the whole payload. The settings
are compared before the first request, so that no key is sent to an address that was not approved.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from keyturn.model.resource import EMPTY

DIGEST_VERSION: Final = 2
"""The version of the payload; it is a part of each digest."""

MAX_EXPLAINED_OPERATIONS: Final = 100
"""The number of operations up to which each is tried as the difference between two digests."""

_PREFIX: Final = f"kt{DIGEST_VERSION}-"
_SETTINGS_LETTERS: Final = 12
_PAYLOAD_LETTERS: Final = 26
_DIGEST_PATTERN: Final = re.compile(rf"{_PREFIX}[a-z2-7]{{{_SETTINGS_LETTERS + _PAYLOAD_LETTERS}}}")


class ApprovalInputs(Struct, frozen=True, kw_only=True):
    """What an apply depends on besides its operations.

    ``settings`` are those of the workspace and the project, by their names in keyturn.yaml, as JSON values.
    ``options`` are arguments of the command, each as one text (``--allow-retire=3``). ``manifests`` has
    the digests of manifests that an apply only records in the state, by address. ``open_intents`` describes
    the requests without a recorded outcome, by id.
    """

    settings: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    options: tuple[str, ...] = ()
    manifests: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    open_intents: Mapping[str, str] = field(default_factory=lambda: EMPTY)


def hash_json(value: object, letters: int = _PAYLOAD_LETTERS) -> str:
    """Return the first base32 letters (5 bits each) of the SHA-256 of a JSON value in canonical form."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return base64.b32encode(hashlib.sha256(body.encode()).digest()).decode().lower()[:letters]


def compute_digest(payload: Mapping[str, Any]) -> str:
    """Return the digest of the payload of a plan; its key ``settings`` has a hash of its own."""
    return "".join((_PREFIX, _hash_settings(payload["settings"]), hash_json(payload)))


def is_approval_digest(text: str) -> bool:
    """Tell whether a text has the form of a digest of this version."""
    return bool(_DIGEST_PATTERN.fullmatch(text))


def has_settings(digest: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether a digest of this version was made under these settings."""
    return digest.startswith(_PREFIX + _hash_settings(settings))


def explain_digest(approved: str, payload: Mapping[str, Any]) -> str:
    """Return the one difference that explains why a payload has another digest; empty if none does.

    Candidates are the options, a manifest to record, an open intent, a new operation, and a live object
    that was written after the last apply.
    """
    letters = approved[-_PAYLOAD_LETTERS:]
    guesses = _list_earlier_payloads(payload)
    return next((text for text, earlier in guesses if hash_json(earlier) == letters), "")


def _list_earlier_payloads(payload: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield f"options: was not given, is {' '.join(payload['options'])}", {**payload, "options": []}
    for address in payload["manifests"]:
        yield f"{address}: the content of its manifest", _without_key(payload, "manifests", address)
    for intent, text in payload["open_intents"].items():
        yield f"a request was left open: {text}", _without_key(payload, "open_intents", intent)
    operations = payload["operations"]
    for index, each in enumerate(operations[:MAX_EXPLAINED_OPERATIONS]):
        others = [*operations[:index], *operations[index + 1 :]]
        yield f"{each['address']}: {each['action']} is new in the plan", {**payload, "operations": others}
        unwritten = {**each, "expected": each["recorded"]}
        others.insert(index, unwritten)
        yield (
            f"{each['address']}: the live object was written outside keyturn at {each['expected']}",
            {**payload, "operations": others},
        )


def _without_key(payload: Mapping[str, Any], part: str, key: str) -> dict[str, Any]:
    rest = {name: value for name, value in payload[part].items() if name != key}
    return {**payload, part: rest}


def describe_moved_values(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ``NAME: was VALUE, is VALUE`` for each name whose value differs, sorted by name."""
    return tuple(
        f"{name}: was {_format_json(then.get(name))}, is {_format_json(now.get(name))}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    )


def describe_moved_options(then: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """Return one line for each argument that only one side has, sorted."""
    removed = [f"{each}: was given, is missing" for each in then if each not in now]
    added = [f"{each}: was not given, is given" for each in now if each not in then]
    return tuple(sorted(removed + added))


def _hash_settings(settings: Mapping[str, Any]) -> str:
    return hash_json([DIGEST_VERSION, settings], _SETTINGS_LETTERS)


def _format_json(value: object) -> str:
    if value is None or value in ("", [], {}):
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
