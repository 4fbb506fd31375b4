"""What looks like a secret: names of keys, masks, and values that give themselves away.

The same pattern of names stands in ``schemas/connection.schema.json``, so that an editor refuses
what the loader refuses; a test holds the two together. It is written without flags, for the regular
expressions of JSON Schema have none.
"""

import re
from collections.abc import Mapping
from functools import lru_cache


def _any_case(words: str) -> str:
    return "|".join("".join(_letter(letter) for letter in word) for word in words.split())


def _letter(letter: str) -> str:
    if letter.isalpha():
        return f"[{letter.upper()}{letter}]"
    return "[_.-]?" if letter == "_" else letter


_SECRET = _any_case(
    "password passwd passphrase pwd secret token api_key private_key access_key account_key storage_key"
    " shared_key signing_key encryption_key secret_key connection_string bearer authorization",
)
_HARMLESS = _any_case(
    "id ids url uri endpoint name type arn path ttl expiry expires_at header field column ref version"
    " method policy length enabled required scope scopes algorithm",
)

SECRET_KEY = (
    rf"^(?!.*[A-Za-z][_.-]?(?:{_HARMLESS})$).*(?:{_SECRET})[Ss]?(?![a-z])"
    r"|^[Ss][Aa][Ss](?:[_.-]?[Uu][Rr][LlIi])?$"
)
"""Matches the name of a key that holds a secret; ``access_key_id`` and ``token_url`` do not."""

_secret_key = re.compile(SECRET_KEY)
_mask = re.compile(
    r"[*\u2022\u25cf\u2219]{3,}|^[xX]{4,}$|^[<\[(]?(?:redacted|masked|hidden|encrypted|secret)[>\])]?$",
    re.IGNORECASE,
)
_telling = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]{8,}\.[\w-]{8,}\.|\bAGE-SECRET-KEY-1|\b(?:plnx|plx|flx)_"
    r"(?:live|test|rt|enroll)_|\bwhsec_|\bsk_live_|\bgh[pousr]_\w{20,}|\bxox[abprs]-|\bglpat-|://[^/@:\s]*:[^/@\s]+@",
)

_mark = re.compile(
    r"BEGIN |eyJ|AGE-SECRET-KEY-1|_(?:live|test|rt|enroll)_|whsec_|gh[pousr]_|xox[abprs]-|glpat-|://"
)
"""What each of these holds, found in a tenth of the time: nearly every value holds nothing of it."""


@lru_cache(maxsize=4096)  # ten thousand objects have the same few keys
def secret_key(name: str) -> bool:
    """Tell whether a key of this name holds a secret."""
    return _secret_key.search(name) is not None


def masked(value: object) -> bool:
    """Tell whether a value is a mask in place of a secret: ``********``, ``<redacted>``."""
    return isinstance(value, str) and _mask.search(value) is not None


def secret_value(value: object) -> bool:
    """Tell whether a value gives itself away: a private key, a known token, a URL with a password."""
    if not isinstance(value, str) or _mark.search(value) is None:
        return False
    return _telling.search(value) is not None


def suspicious(name: str, value: object) -> bool:
    """Tell whether ``name: value``, from a service's answer, may hold a secret or its mask.

    Looks into lists and mappings. A null, a boolean or a reference's id is never one.
    """
    if isinstance(value, str):  # as nearly all are
        return secret_key(name) or masked(value) or secret_value(value)
    if isinstance(value, Mapping):
        return any(suspicious(str(key), item) or suspicious(name, item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(suspicious(name, item) for item in value)
    if value is None or isinstance(value, bool):
        return False
    return secret_key(name)
