"""Diagnostics for the errors of the YAML parser; they never quote the text of the file."""

from typing import Any, Final

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, error_diagnostic

_TAB_TEXTS: Final = ("tab used for indentation", "use spaces")
_PARSER_PROBLEMS: Final = (
    (
        "mapping values are not allowed",
        "colon where no key is allowed",
        "put a value that contains a colon and a space in quotes",
    ),
    (
        "could not find expected ':'",
        "a key has no colon",
        "write `key: value`; put a value of several lines in quotes or after `|`",
    ),
    (
        "did not find expected key",
        "the indentation does not fit the lines above, or a quote is closed too early",
        "use the same indentation for keys of one mapping; inside single quotes write '' for a quote",
    ),
    (
        "did not find expected '-'",
        "this line is not a list item",
        "begin it with a dash, or indent it like the key above the list",
    ),
    (
        "did not find expected ','",
        "a bracket or brace is not closed",
        "close it, or put a comma between items",
    ),
    ("unexpected end of stream", "a quote is not closed", "close it on the line where the value ends"),
    (
        "unknown escape character",
        "unknown escape sequence",
        "use single quotes, where a backslash is an ordinary character",
    ),
    (
        "expected hexdecimal",
        "incomplete escape sequence",
        "use single quotes, where a backslash is an ordinary character",
    ),
    (
        "block sequence entries are not allowed",
        "dash where no list can start",
        "put the list on its own lines, or the value in quotes",
    ),
    ("tab character", *_TAB_TEXTS),
)
_INVALID_STARTS: Final = {
    "\t": _TAB_TEXTS,
    "@": ("a value cannot begin with @", "put it in quotes"),
    "`": ("a value cannot begin with a backtick", "put it in quotes"),
    "%": ("a value cannot begin with %", "put it in quotes"),
}


def explain_yaml_error(error: Any, text: str, file: str) -> Diagnostic:
    """Return the diagnostic for an error of the parser: KT105 for a tab, KT106 for all others.

    Of ``error``, only the location and the kind of problem are used: its message may quote a secret.
    """
    problem = str(getattr(error, "problem", "") or "")
    mark = getattr(error, "problem_mark", None)
    if "end of stream" in problem:
        mark = getattr(error, "context_mark", None) or mark
    message, hint = _select_texts(problem, _character_at(text, mark))
    origin = SourceLocation(file, mark.line + 1, mark.column + 1) if mark else SourceLocation(file)
    code = "KT105" if (message, hint) == _TAB_TEXTS else "KT106"
    return error_diagnostic(code, origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)


def _select_texts(problem: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in problem and character in _INVALID_STARTS:
        return _INVALID_STARTS[character]
    for part, message, hint in _PARSER_PROBLEMS:
        if part in problem:
            return message, hint
    return "invalid YAML", "check indentation, quotes and brackets in the lines above"


def _character_at(text: str, mark: Any) -> str:
    if mark is None:
        return ""
    line = "".join(text.split("\n")[mark.line : mark.line + 1])
    return line[mark.column : mark.column + 1]
