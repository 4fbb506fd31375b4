"""JSON output: ASCII only, without any character sequence that a terminal or a CI runner interprets."""

import json
from collections.abc import Mapping
from typing import Any, Final

from keyturn.model.diagnostic import Diagnostic

_encode_json: Final = json.JSONEncoder(ensure_ascii=True).encode


def dump_pretty(value: object) -> str:
    """Return an indented JSON document, ending in a line feed."""
    return neutralize_json(json.dumps(value, indent=2, ensure_ascii=True)) + "\n"


def dump_lines(value: Mapping[str, object]) -> str:
    """Return a JSON document with a line for each key and for each item of a list below it.

    It has half the size of an indented one. Python's C encoder, five times as fast, works only without
    indentation.
    """
    parts = (f"{_encode_json(key)}: {_dump_items(item)}" for key, item in value.items())
    return neutralize_json("{\n" + ",\n".join(parts) + "\n}\n")


def diagnostic_to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as JSON values; an unknown line or column is null."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.name.lower(),
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "file": diagnostic.origin.file,
        "line": diagnostic.origin.line or None,
        "column": diagnostic.origin.column or None,
        "address": str(diagnostic.address) if diagnostic.address else None,
    }


def neutralize_json(text: str) -> str:
    """Return equivalent JSON without terminal escapes and CI runner commands."""
    return text.replace("\x7f", r"\u007f").replace("##", r"\u0023#")


def _dump_items(value: object) -> str:
    if not isinstance(value, list) or not value:
        return _encode_json(value)
    return "[\n" + ",\n".join(map(_encode_json, value)) + "\n]"
