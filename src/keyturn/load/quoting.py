"""Values as YAML that every reader takes the same way: text in double quotes, collections in flow style."""

from collections.abc import Mapping
from typing import Any, Final

_NAMED: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def quoted(text: str) -> str:
    """Return ``text`` in double quotes, on one line; what YAML does not print is escaped."""
    return '"' + "".join(_NAMED.get(one) or (one if _printable(one) else _escaped(one)) for one in text) + '"'


def flow(value: Any) -> str:
    """Return a tree of plain values as YAML on one line; every text and key is quoted."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value] if _word(value) else repr(value)


def _word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _printable(one: str) -> bool:
    return " " <= one <= "~" or one.isprintable()


def _escaped(one: str) -> str:
    code = ord(one)
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
