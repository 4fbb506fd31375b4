"""JSON as the service sends it, read strictly: bounded, one meaning, no surprises."""

import json
import math
from typing import Any, NoReturn

DEEPEST = 64
MOST_BRANCHES = 1_000_000
"""Objects and arrays of one answer: 10,000 connections have about 30,000."""


class Puzzling(ValueError):  # noqa: N818
    """An answer that fits no known form; its text is ours and holds nothing of the answer."""


def read_json(body: bytes) -> object:
    """Return the JSON value of ``body``; raises Puzzling.

    UTF-8 only; no key twice in one object; no NaN, infinity or number too large; no half surrogate
    pairs; at most 64 levels deep.
    """
    branches = body.count(b"{") + body.count(b"[")
    if branches > MOST_BRANCHES:
        _puzzle("too many objects for one answer")
    why = ""
    tree: object = None
    try:
        tree = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_unique, parse_float=_finite, parse_constant=_constant
        )
    except Puzzling:
        raise
    except UnicodeDecodeError:
        why = "not UTF-8"
    except (ValueError, RecursionError):
        why = "not JSON"
    if why:
        _puzzle(why)
    if branches > DEEPEST and not _shallow(tree):
        _puzzle(f"nested more than {DEEPEST} levels deep")
    if b"\\u" in body and not _encodable(tree):
        _puzzle("half of a surrogate pair")
    return tree


def _puzzle(why: str) -> NoReturn:
    raise Puzzling(why)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        _puzzle("one key twice in one object")
    return tree


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        _puzzle("a number that is too large")
    return number


def _constant(_text: str) -> NoReturn:
    _puzzle("a number that is none")


def _shallow(tree: object) -> bool:
    level = [tree]
    for _ in range(DEEPEST):
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


def _encodable(tree: object) -> bool:
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
