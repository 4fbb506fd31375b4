"""JSON as it is written here: plain ASCII, and nothing in it that a terminal or a CI runner acts upon."""

import json
from collections.abc import Mapping
from typing import Any, Final

from keyturn.core.diagnostic import Diagnostic

_encode: Final = json.JSONEncoder(ensure_ascii=True).encode


def dumped(value: object) -> str:
    """Return a JSON document for people, indented."""
    return inert(json.dumps(value, indent=2, ensure_ascii=True)) + "\n"


def lined(value: Mapping[str, object]) -> str:
    """Return a JSON document for programs: a line for each key, and for each item of a list below it.

    Half the size of an indented one; and only without indentation does Python use the encoder that
    is written in C, which is five times as fast.
    """
    parts = (f"{_encode(key)}: {_items(item)}" for key, item in value.items())
    return inert("{\n" + ",\n".join(parts) + "\n}\n")


def finding_tree(finding: Diagnostic) -> dict[str, Any]:
    """Return a finding as JSON values; a line or column that is not known is null."""
    return {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "message": finding.message,
        "hint": finding.hint,
        "file": finding.origin.file,
        "line": finding.origin.line or None,
        "column": finding.origin.column or None,
        "address": str(finding.address) if finding.address else None,
    }


def _items(value: object) -> str:
    if not isinstance(value, list) or not value:
        return _encode(value)
    return "[\n" + ",\n".join(map(_encode, value)) + "\n]"


def inert(text: str) -> str:
    """Return JSON in which no terminal and no CI runner finds a command; it means the same."""
    return text.replace("\x7f", r"\u007f").replace("##", r"\u0023#")
