"""Values as YAML that every reader takes the same way: plain only where nobody could be misled."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from keyturn.load.scalars import Ambiguous, plain

_NAMED: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_PLAIN: Final = re.compile(
    r"(?:[A-Za-z0-9_/^$]|[.-](?=[A-Za-z0-9_]))[A-Za-z0-9_./^$@+=-]*"
    r"(?:[ :][A-Za-z0-9_/(][A-Za-z0-9_./^$@+=()-]*)*"
)
_ENCRYPTED: Final = re.compile(r"ENC\[AES256_GCM,[A-Za-z0-9+/=,:]+\]")


def quoted(text: str) -> str:
    """Return ``text`` in double quotes, on one line; what YAML does not print is escaped."""
    return '"' + "".join(_NAMED.get(one) or (one if _printable(one) else _escaped(one)) for one in text) + '"'


def scalar(value: str | float | None) -> str:
    """Return a value as YAML on one line: text without quotes only where no reader takes it otherwise."""
    if isinstance(value, str):
        return value if _ENCRYPTED.fullmatch(value) or _is_plain(value) else quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def flow(value: Any) -> str:
    """Return a tree of values as YAML on one line; every text and key is quoted."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def block(tree: Mapping[str, Any]) -> str:
    """Return a tree as YAML in block style, two blanks deep, as a person would write it."""
    return "".join(f"{line}\n" for line in _lines(tree))


def _lines(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        name = scalar(key)
        if isinstance(value, Mapping) and value:
            yield f"{name}:"
            yield from ("  " + line for line in _lines(value))
        elif (
            isinstance(value, list | tuple)
            and value
            and any(isinstance(one, Mapping | list) for one in value)
        ):
            yield f"{name}:"
            yield from (f"  - {flow(one)}" for one in value)
        elif isinstance(value, list | tuple):
            yield f"{name}: [{', '.join(_item(one) for one in value)}]"
        elif isinstance(value, str) and _is_text_block(value):
            yield f"{name}: |" + ("" if value.endswith("\n") else "-")
            yield from ("  " + line for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{name}: {'{}' if isinstance(value, Mapping) else scalar(value)}"


def _item(value: Any) -> str:
    return quoted(value) if isinstance(value, str) and ":" in value else scalar(value)


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text):
        return False
    try:
        return plain(text) == text
    except Ambiguous:
        return False


def _is_text_block(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    return len(lines) > 1 and all(
        line and line == line.strip() and line.isprintable() and line.isascii() for line in lines
    )


def _printable(one: str) -> bool:
    return " " <= one <= "~" or (one.isprintable() and one != "\ufeff")


def _escaped(one: str) -> str:
    code = ord(one)
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
