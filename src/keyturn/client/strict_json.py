"""Strict and bounded parser of the service's JSON."""

import json
import math
from typing import Any, NoReturn

MAX_JSON_DEPTH = 64
MAX_CONTAINERS = 1_000_000
"""Objects and arrays of one response: 10,000 connections have about 30,000."""


class ResponseFormatError(ValueError):
    """A response has no known form; the message has no text of the response."""


def parse_strict_json(body: bytes) -> object:
    """Return the JSON value of ``body``; raises ResponseFormatError.

    Accepts UTF-8 without duplicate keys, NaN, infinity, numbers above the range of a float and unpaired
    surrogates, at most 64 levels deep.
    """
    branches = body.count(b"{") + body.count(b"[")
    if branches > MAX_CONTAINERS:
        _reject_json("too many objects for one response")
    problem = ""
    tree: object = None
    try:
        tree = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_build_unique_object,
            parse_float=_parse_finite,
            parse_constant=_reject_constant,
        )
    except ResponseFormatError:
        raise
    except UnicodeDecodeError:
        problem = "not UTF-8"
    except (ValueError, RecursionError):
        problem = "not JSON"
    if problem:
        _reject_json(problem)
    if branches > MAX_JSON_DEPTH and not _is_shallow(tree):
        _reject_json(f"nested more than {MAX_JSON_DEPTH} levels deep")
    if b"\\u" in body and not _is_encodable(tree):
        _reject_json("an unpaired surrogate")
    return tree


def _reject_json(reason: str) -> NoReturn:
    raise ResponseFormatError(reason)


def _build_unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        _reject_json("a duplicate key in an object")
    return tree


def _parse_finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        _reject_json("a number out of range")
    return number


def _reject_constant(_text: str) -> NoReturn:
    _reject_json("NaN or Infinity")


def _is_shallow(tree: object) -> bool:
    level = [tree]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            leaf
            for branch in level
            for leaf in (
                branch.values() if isinstance(branch, dict) else branch if isinstance(branch, list) else ()
            )
            if isinstance(leaf, dict | list)
        ]
        if not level:
            return True
    return False


def _is_encodable(tree: object) -> bool:
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
