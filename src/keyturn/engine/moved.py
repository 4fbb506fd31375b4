"""What moved between two plans, in words: for a reviewer whose approval no longer holds."""

from collections.abc import Mapping
from typing import Any

_DIFFERENCE_TEXTS = {
    "action": "what would be done",
    "manifest": "the content of its manifest",
    "ciphers": "an encrypted secret",
    "secrets": "the state of a secret",
    "fields": "its fields",
    "expected": "the live object was written meanwhile",
    "id": "the live object is another one",
    "exposures": "where a secret would go",
    "renamed_from": "its former name",
}


def describe_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line for each difference between the facts of two plans, sorted by address."""
    lines = [
        f"{word}: {before[word]} then, {after[word]} now"
        for word in ("workspace", "organization")
        if before[word] != after[word]
    ]
    then = {each["address"]: each for each in before["operations"]}
    now = {each["address"]: each for each in after["operations"]}
    for address in sorted({*then, *now}):
        if address not in now:
            lines.append(f"{address}: {then[address]['action']} is no longer in the plan")
        elif address not in then:
            lines.append(f"{address}: {now[address]['action']} is new in the plan")
        else:
            lines += _describe_operation(address, then[address], now[address])
    return tuple(lines)


def _describe_operation(address: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [f"{address}: {words}" for key, words in _DIFFERENCE_TEXTS.items() if then.get(key) != now.get(key)]
