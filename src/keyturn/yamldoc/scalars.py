"""YAML scalars: parsing of plain scalars on which all parsers agree, and output that all parsers read alike.

YAML 1.1 (PyYAML), YAML 1.2 and go-yaml (sops) read ``0123``, ``1e5``, ``12:30`` and ``no``
differently, and sops writes its own reading back to the file. Such a value is rejected; text of
this form must be in quotes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Scalar = str | int | float | bool | None


class AmbiguousScalarError(ValueError):
    """An unquoted value that YAML parsers read differently; the message names its apparent type."""


_CONSTANTS: Final[dict[str, Scalar]] = {
    "": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_BOOLEAN_WORDS: Final = frozenset(
    form for word in ("y", "n", "yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())
)
_SPECIAL_SCALARS: Final = {"~": "null", "=": "a default value", "<<": "a merge key"}
_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,40}")
_OTHER_NUMBER: Final = re.compile(
    r"[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\.(?:inf|Inf|INF|nan|NaN|NAN))"
)
_SEXAGESIMAL: Final = re.compile(r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?")
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?"
)
_NUMERIC_START: Final = frozenset("+-.0123456789")
_INT64: Final = range(-(2**63), 2**63)

_NAMED_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_PLAIN_PATTERN: Final = re.compile(
    r"(?:[A-Za-z0-9_/^$]|[.-](?=[A-Za-z0-9_]))[A-Za-z0-9_./^$@+=-]*"
    r"(?:[ :][A-Za-z0-9_/(][A-Za-z0-9_./^$@+=()-]*)*"
)
_ENCRYPTED_PATTERN: Final = re.compile(r"ENC\[AES256_GCM,[A-Za-z0-9+/=,:]+\]")


def parse_plain_scalar(text: str, *, yes_no_as_text: bool = False) -> Scalar:
    """Parse an unquoted scalar: null, a boolean, a 64-bit integer, a decimal or text.

    A decimal is accepted if Python and Go write it with the same digits. With ``yes_no_as_text``,
    yes, no, on and off are text. Raises AmbiguousScalarError.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in _NUMERIC_START:
        return _parse_number(text)
    if text in _BOOLEAN_WORDS and not yes_no_as_text:
        message = "a YAML 1.1 boolean"
        raise AmbiguousScalarError(message)
    if text in _SPECIAL_SCALARS:
        raise AmbiguousScalarError(_SPECIAL_SCALARS[text])
    return text


def _parse_number(text: str) -> Scalar:
    if _INT.fullmatch(text) and text != "-0" and int(text) in _INT64:
        return int(text)
    if _FLOAT.fullmatch(text) and format_decimal(float(text)) == text and text != "-0.0":
        return float(text)
    bare = text.replace("_", "")
    for pattern, type_name in ((_OTHER_NUMBER, "a number"), (_SEXAGESIMAL, "a time"), (_DATE, "a date")):
        if pattern.fullmatch(bare):
            raise AmbiguousScalarError(type_name)
    return text


def format_decimal(number: float) -> str:
    """Return the shortest decimal that reads back as ``number``, without exponent: 0.00005, not 5e-05."""
    text = repr(number)
    mantissa, exponent, digits = text.partition("e-")
    return f"{number:.{len(mantissa.partition('.')[2]) + int(digits)}f}" if exponent else text


def needs_exponent(value: Scalar) -> bool:
    """Tell whether sops writes a number with an exponent, which YAML parsers read differently."""
    return isinstance(value, float) and "e" in repr(value)


def quote_text(text: str) -> str:
    """Return ``text`` in double quotes on one line, with characters escaped that YAML does not print."""
    return '"' + "".join(map(_emit_character, text)) + '"'


def emit_scalar(value: str | float | None) -> str:
    """Return a value as YAML on one line; text has no quotes if every parser reads it as the same text."""
    if isinstance(value, str):
        return value if _ENCRYPTED_PATTERN.fullmatch(value) or _is_plain_scalar(value) else quote_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int) else format_decimal(value)


def emit_flow(value: Any) -> str:
    """Return a tree of values as YAML on one line; all texts and keys are quoted."""
    if isinstance(value, str):
        return quote_text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quote_text(key)}: {emit_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(emit_flow, value)) + "]"
    return emit_scalar(value)


def emit_block(tree: Mapping[str, Any]) -> str:
    """Return a tree as YAML in block style, indented by two spaces a level."""
    return "".join(f"{line}\n" for line in _emit_lines(tree))


def fits_literal_block(text: str) -> bool:
    """Tell whether a text of several lines can be written as a literal block without an indicator."""
    lines = text.removesuffix("\n").split("\n")
    return len(lines) > 1 and all(
        line and line == line.strip() and line.isprintable() and line.isascii() for line in lines
    )


def _emit_lines(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        name = emit_scalar(key)
        if isinstance(value, Mapping) and value:
            yield f"{name}:"
            yield from ("  " + line for line in _emit_lines(value))
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | list) for item in value):
            yield f"{name}:"
            yield from (f"  - {emit_flow(item)}" for item in value)
        elif isinstance(value, list | tuple):
            yield f"{name}: [{', '.join(_emit_item(item) for item in value)}]"
        elif isinstance(value, str) and fits_literal_block(value):
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


def _emit_character(character: str) -> str:
    if character in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[character]
    if " " <= character <= "~" or (character.isprintable() and character != "\ufeff"):
        return character
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
