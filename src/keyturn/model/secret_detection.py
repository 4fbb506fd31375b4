"""Detection of secrets by key name, mask or value format.

``schemas/connection.schema.json`` contains the same name pattern, so editors report what the loader
rejects; a test compares the two. The pattern uses no flags, because regular expressions in JSON
Schema have none.
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
"""Matches key names of secrets, such as ``db_password``, but not ``access_key_id`` or ``token_url``."""

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
"""A necessary condition of ``_SECRET_VALUE_REGEX`` that takes a tenth of its time."""


@lru_cache(maxsize=4096)  # objects share a small set of key names
def is_secret_name(name: str) -> bool:
    """Tell whether a key of this name contains a secret."""
    return _SECRET_NAME_REGEX.search(name) is not None


def is_mask(value: object) -> bool:
    """Tell whether a value is a mask in place of a secret: ``********``, ``<redacted>``."""
    return isinstance(value, str) and _MASK_REGEX.search(value) is not None


def is_secret_value(value: object) -> bool:
    """Tell whether a value has the format of a secret: private key, known token, URL with a password."""
    if not isinstance(value, str) or _SECRET_VALUE_HINT_REGEX.search(value) is None:
        return False
    return _SECRET_VALUE_REGEX.search(value) is not None


def may_be_secret(name: str, value: object) -> bool:
    """Tell whether ``name: value`` in a response may contain a secret or a mask.

    Searches lists and mappings recursively. Null, booleans and ids of references never match.
    """
    if isinstance(value, str):
        return is_secret_name(name) or is_mask(value) or is_secret_value(value)
    if isinstance(value, Mapping):
        return any(may_be_secret(str(key), item) or may_be_secret(name, item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(may_be_secret(name, item) for item in value)
    if value is None or isinstance(value, bool):
        return False
    return is_secret_name(name)
