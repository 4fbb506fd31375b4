"""Plain YAML scalars: typed where every parser agrees, refused where they do not.

YAML 1.1 (PyYAML), YAML 1.2 and go-yaml (sops) read ``0123``, ``1e5``, ``12:30`` or ``no`` in
different ways, and sops writes its own reading back for good. So such a value is named, never
rewritten: whoever means text puts it in quotes.
"""

import re
from typing import Final

Scalar = str | int | float | bool | None


class AmbiguousScalarError(ValueError):  # noqa: N818
    """Raised for an unquoted value that parsers read differently; says what it looks like, not the value."""


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
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,16}")
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


def parse_plain_scalar(text: str, *, switches: bool = False) -> Scalar:
    """Return what an unquoted scalar means: null, a boolean, an integer of 64 bits, a decimal or text.

    A decimal is one that Python and Go write back in the same digits. ``switches`` takes yes, no,
    on and off for text. Raises Ambiguous.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in _NUMERIC_START:
        return _parse_number(text)
    if text in _BOOLEAN_WORDS and not switches:
        message = "a yes-or-no word"
        raise AmbiguousScalarError(message)
    if text in _SPECIAL_SCALARS:
        raise AmbiguousScalarError(_SPECIAL_SCALARS[text])
    return text


def _parse_number(text: str) -> Scalar:
    if _INT.fullmatch(text) and text != "-0" and int(text) in _INT64:
        return int(text)
    if _FLOAT.fullmatch(text) and repr(float(text)) == text and text != "-0.0":
        return float(text)
    bare = text.replace("_", "")
    for pattern, looks in ((_OTHER_NUMBER, "a number"), (_SEXAGESIMAL, "a time"), (_DATE, "a date")):
        if pattern.fullmatch(bare):
            raise AmbiguousScalarError(looks)
    return text
