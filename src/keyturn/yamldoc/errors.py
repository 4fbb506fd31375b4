"""What a YAML parser complains of, in words that say what to do; the text of the file stays out of it."""

from typing import Any, Final

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, error_diagnostic

_PARSER_PROBLEMS: Final = (
    (
        "mapping values are not allowed",
        "a colon stands where no key can be",
        "put a value that holds a colon and a blank in quotes",
    ),
    (
        "could not find expected ':'",
        "a key without its colon",
        "write `key: value`; put a value of several lines in quotes or after `|`",
    ),
    (
        "did not find expected key",
        "the indentation does not fit the lines above, or a quote is closed too early",
        "indent siblings alike; inside single quotes write '' for a quote",
    ),
    (
        "did not find expected '-'",
        "a line among the items of a list is not one of them",
        "begin it with a dash, or indent it as the key above the list",
    ),
    (
        "did not find expected ','",
        "a bracket or brace is not closed",
        "close it, or put a comma between items",
    ),
    ("unexpected end of stream", "a quote is not closed", "close it on the line where the value ends"),
    (
        "unknown escape character",
        "a backslash that YAML does not know",
        "use single quotes: backslashes are plain there",
    ),
    (
        "expected hexdecimal",
        "an escape that is not finished",
        "use single quotes: backslashes are plain there",
    ),
    (
        "block sequence entries are not allowed",
        "a dash stands where no list can begin",
        "put the list on its own lines, or the value in quotes",
    ),
    ("tab character", "a tab where YAML wants blanks", "indent with blanks"),
)
_INVALID_STARTS: Final = {
    "\t": ("a tab where YAML wants blanks", "indent with blanks"),
    "@": ("a value cannot begin with @", "put it in quotes"),
    "`": ("a value cannot begin with a backtick", "put it in quotes"),
    "%": ("a value cannot begin with %", "put it in quotes"),
}


def explain_yaml_error(error: Any, text: str, file: str) -> Diagnostic:
    """Return the finding for a parser's error: KT105 for a tab, KT106 for the rest.

    Only fixed words and the place are taken from ``error``: what it quotes could be a secret.
    """
    problem = str(getattr(error, "problem", "") or "")
    mark = getattr(error, "problem_mark", None)
    if "end of stream" in problem:
        mark = getattr(error, "context_mark", None) or mark
    message, hint = _select_texts(problem, _character_at(text, mark))
    origin = SourceLocation(file, mark.line + 1, mark.column + 1) if mark else SourceLocation(file)
    code = "KT105" if "tab" in message else "KT106"
    return error_diagnostic(code, origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)


def _select_texts(problem: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in problem and character in _INVALID_STARTS:
        return _INVALID_STARTS[character]
    for part, message, hint in _PARSER_PROBLEMS:
        if part in problem:
            return message, hint
    return "this is not YAML", "look at the lines just above: indentation, quotes, brackets"


def _character_at(text: str, mark: Any) -> str:
    if mark is None:
        return ""
    line = "".join(text.split("\n")[mark.line : mark.line + 1])
    return line[mark.column : mark.column + 1]
