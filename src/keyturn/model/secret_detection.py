"""What looks like a secret: names of keys, masks, and values that give themselves away.

The same pattern of names stands in ``schemas/connection.schema.json``, so that an editor refuses
what the loader refuses; a test holds the two together. It is written without flags, for the regular
expressions of JSON Schema have none.
"""

import re
from collections.abc import Mapping
from functools import lru_cache


def _any_case_pattern(words: str) -> str:
    return "|".join("".join(_letter_pattern(letter) for letter in word) for word in words.split())


def _letter_pattern(letter: str) -> str:
    if letter.isalpha():
        return f"[{letter.upper()}{letter}]"
    return "[_.-]?" if letter == "_" else letter


_SECRET_WORDS = _any_case_pattern(
    "password passwd passphrase pwd secret token api_key private_key access_key account_key storage_key"
    " shared_key signing_key encryption_key secret_key connection_string bearer authorization",
)
_NON_SECRET_SUFFIXES = _any_case_pattern(
    "id ids url uri endpoint name type arn path ttl expiry expires_at header field column ref version"
    " method policy length enabled required scope scopes algorithm",
)

SECRET_NAME_PATTERN = (
    rf"^(?!.*[A-Za-z][_.-]?(?:{_NON_SECRET_SUFFIXES})$).*(?:{_SECRET_WORDS})[Ss]?(?![a-z])"
    r"|^[Ss][Aa][Ss](?:[_.-]?[Uu][Rr][LlIi])?$"
)
"""Matches the name of a key that holds a secret; ``access_key_id`` and ``token_url`` do not."""

_SECRET_NAME_REGEX = re.compile(SECRET_NAME_PATTERN)
_MASK_REGEX = re.compile(
    r"[*\u2022\u25cf\u2219]{3,}|^[xX]{4,}$|^[<\[(]?(?:redacted|masked|hidden|encrypted|secret)[>\])]?$",
    re.IGNORECASE,
)
_SECRET_VALUE_REGEX = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]{8,}\.[\w-]{8,}\.|\bAGE-SECRET-KEY-1|\b(?:plnx|plx|flx)_"
    r"(?:live|test|rt|enroll)_|\bwhsec_|\bsk_live_|\bgh[pousr]_\w{20,}|\bxox[abprs]-|\bglpat-|://[^/@:\s]*:[^/@\s]+@",
)

_SECRET_VALUE_HINT_REGEX = re.compile(
    r"BEGIN |eyJ|AGE-SECRET-KEY-1|_(?:live|test|rt|enroll)_|whsec_|gh[pousr]_|xox[abprs]-|glpat-|://"
)
"""What each of these holds, found in a tenth of the time: nearly every value holds nothing of it."""


@lru_cache(maxsize=4096)  # ten thousand objects have the same few keys
def is_secret_name(name: str) -> bool:
    """Tell whether a key of this name holds a secret."""
    return _SECRET_NAME_REGEX.search(name) is not None


def is_mask(value: object) -> bool:
    """Tell whether a value is a mask in place of a secret: ``********``, ``<redacted>``."""
    return isinstance(value, str) and _MASK_REGEX.search(value) is not None


def is_secret_value(value: object) -> bool:
    """Tell whether a value gives itself away: a private key, a known token, a URL with a password."""
    if not isinstance(value, str) or _SECRET_VALUE_HINT_REGEX.search(value) is None:
        return False
    return _SECRET_VALUE_REGEX.search(value) is not None


def may_be_secret(name: str, value: object) -> bool:
    """Tell whether ``name: value``, from a service's answer, may hold a secret or its mask.

    Looks into lists and mappings. A null, a boolean or a reference's id is never one.
    """
    if isinstance(value, str):  # as nearly all are
        return is_secret_name(name) or is_mask(value) or is_secret_value(value)
    if isinstance(value, Mapping):
        return any(may_be_secret(str(key), item) or may_be_secret(name, item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(may_be_secret(name, item) for item in value)
    if value is None or isinstance(value, bool):
        return False
    return is_secret_name(name)
