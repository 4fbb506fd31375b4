"""Values as YAML that every reader takes the same way: plain only where nobody could be misled."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from keyturn.load.scalars import AmbiguousScalarError, parse_plain_scalar

_NAMED_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_PLAIN_PATTERN: Final = re.compile(
    r"(?:[A-Za-z0-9_/^$]|[.-](?=[A-Za-z0-9_]))[A-Za-z0-9_./^$@+=-]*"
    r"(?:[ :][A-Za-z0-9_/(][A-Za-z0-9_./^$@+=()-]*)*"
)
_ENCRYPTED_PATTERN: Final = re.compile(r"ENC\[AES256_GCM,[A-Za-z0-9+/=,:]+\]")


def quote_text(text: str) -> str:
    """Return ``text`` in double quotes, on one line; what YAML does not print is escaped."""
    return '"' + "".join(_NAMED_ESCAPES.get(one) or (one if _is_printable(one) else _escape_character(one)) for one in text) + '"'


def emit_scalar(value: str | float | None) -> str:
    """Return a value as YAML on one line: text without quotes only where no reader takes it otherwise."""
    if isinstance(value, str):
        return value if _ENCRYPTED_PATTERN.fullmatch(value) or _is_plain_scalar(value) else quote_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def emit_flow(value: Any) -> str:
    """Return a tree of values as YAML on one line; every text and key is quoted."""
    if isinstance(value, str):
        return quote_text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quote_text(key)}: {emit_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(emit_flow, value)) + "]"
    return emit_scalar(value)


def emit_block(tree: Mapping[str, Any]) -> str:
    """Return a tree as YAML in block style, two blanks deep, as a person would write it."""
    return "".join(f"{line}\n" for line in _emit_lines(tree))


def _emit_lines(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        name = emit_scalar(key)
        if isinstance(value, Mapping) and value:
            yield f"{name}:"
            yield from ("  " + line for line in _emit_lines(value))
        elif (
            isinstance(value, list | tuple)
            and value
            and any(isinstance(one, Mapping | list) for one in value)
        ):
            yield f"{name}:"
            yield from (f"  - {emit_flow(one)}" for one in value)
        elif isinstance(value, list | tuple):
            yield f"{name}: [{', '.join(_emit_item(one) for one in value)}]"
        elif isinstance(value, str) and _is_literal_block(value):
            yield f"{name}: |" + ("" if value.endswith("\n") else "-")
            yield from ("  " + line for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{name}: {'{}' if isinstance(value, Mapping) else emit_scalar(value)}"


def _emit_item(value: Any) -> str:
    return quote_text(value) if isinstance(value, str) and ":" in value else emit_scalar(value)


def _is_plain_scalar(text: str) -> bool:
    if not _PLAIN_PATTERN.fullmatch(text):
        return False
    try:
        return parse_plain_scalar(text) == text
    except AmbiguousScalarError:
        return False


def _is_literal_block(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    return len(lines) > 1 and all(
        line and line == line.strip() and line.isprintable() and line.isascii() for line in lines
    )


def _is_printable(one: str) -> bool:
    return " " <= one <= "~" or (one.isprintable() and one != "\ufeff")


def _escape_character(one: str) -> str:
    code = ord(one)
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
