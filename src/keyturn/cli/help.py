"""The help of a command after its options: exit codes, environment, further reading."""

import textwrap
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from keyturn.cli import exit_codes

HELP_WIDTH = 76
"""Columns of the lines added here: 80 less the indentation of the help."""

EXIT_CODE_MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        exit_codes.EXIT_DONE: "done, or nothing to do",
        exit_codes.EXIT_ERROR: "an error in your input",
        exit_codes.EXIT_CHANGES: "changes wait (with --detailed-exitcode)",
        exit_codes.EXIT_PARTIAL: "done in part",
        exit_codes.EXIT_STALE: "the plan is stale, or another run holds the lock",
        exit_codes.EXIT_REFUSED: "refused by policy or integrity",
        exit_codes.EXIT_UNAUTHORIZED: "the service does not accept the API key",
    }
)
"""The meaning of each exit code; COMMON_EXIT_CODES holds those of every command."""

COMMON_EXIT_CODES = "64 wrong usage, 70 a bug of keyturn, 130 interrupted"
"""The exit codes of every command, in one line."""

_API_KEY_VARIABLE = ("PLANASONIX_API_KEY", "the API key, or the variable that `api_key: {env: …}` names")
_AGE_KEY_VARIABLE = (
    "SOPS_AGE_KEY_FILE",
    "file of age keys; also SOPS_AGE_KEY and the other variables of sops",
)
_OBJECT_STORE_VARIABLES = ("AWS_…, GOOGLE_…, AZURE_…", "access to a state in an object store")
_TRUST_EVENT_VARIABLE = ("KEYTURN_TRUST_EVENT", "1: use keys although the event of the pipeline is untrusted")
_KEY_ID_VARIABLE = ("KEYTURN_KEY_ID", "ID of the trusted workspace key; NAME=ID … for several workspaces")
_CACHE_VARIABLE = ("KEYTURN_NO_CACHE", "1: parse every manifest, and do not use the cache folder")
_CI_VARIABLES = ("GITHUB_…, GITLAB_…, CI_…", "who started the run and by which event, for the journal")
_COLOR_VARIABLES = ("NO_COLOR, FORCE_COLOR", "never or always use colours; COLUMNS is the width")


class HelpPage(Struct, frozen=True):
    """The help of one command: exit codes, environment variables and their purpose, related pages."""

    exit_codes: tuple[int, ...]
    variables: tuple[tuple[str, str], ...]
    see_also: tuple[str, ...]


_DECRYPTION_VARIABLES = (_AGE_KEY_VARIABLE, _TRUST_EVENT_VARIABLE)
_KEY_VARIABLES = (*_DECRYPTION_VARIABLES, _KEY_ID_VARIABLE)
_STATE_VARIABLES = (_OBJECT_STORE_VARIABLES, _TRUST_EVENT_VARIABLE)
_RUN_VARIABLES = (
    _API_KEY_VARIABLE,
    _KEY_ID_VARIABLE,
    _AGE_KEY_VARIABLE,
    _OBJECT_STORE_VARIABLES,
    _TRUST_EVENT_VARIABLE,
    _CI_VARIABLES,
)

HELP_PAGES: Mapping[str, HelpPage] = MappingProxyType(
    {
        "init": HelpPage((0, 1, 5), _DECRYPTION_VARIABLES, ("validate", "import", "tutorial.md")),
        "validate": HelpPage((0, 1), (_CACHE_VARIABLE,), ("explain", "schema", "reference/policy.md")),
        "import": HelpPage((0, 1, 3, 4, 5, 6), _RUN_VARIABLES, ("plan", "pull", "how-to/adopt.md")),
        "pull": HelpPage((0, 1, 3, 5, 6), _RUN_VARIABLES, ("plan", "import", "how-to/adopt.md")),
        "plan": HelpPage(
            (0, 1, 2, 5, 6), (*_RUN_VARIABLES, _CACHE_VARIABLE), ("apply", "show", "how-to/forks.md")
        ),
        "show": HelpPage((0, 1, 4, 5), _DECRYPTION_VARIABLES, ("plan", "apply", "reference/json.md")),
        "apply": HelpPage(
            (0, 1, 3, 4, 5, 6), (*_RUN_VARIABLES, _CACHE_VARIABLE), ("plan", "log", "how-to/recover.md")
        ),
        "test": HelpPage(
            (0, 1, 5, 6),
            (_API_KEY_VARIABLE, _OBJECT_STORE_VARIABLES, _TRUST_EVENT_VARIABLE),
            ("apply", "doctor", "how-to/rotate.md"),
        ),
        "secret": HelpPage((0, 1, 5), _DECRYPTION_VARIABLES, ("secret set", "seal")),
        "secret set": HelpPage((0, 1, 5), _DECRYPTION_VARIABLES, ("seal", "apply", "how-to/rotate.md")),
        "seal": HelpPage((0, 1, 5), _DECRYPTION_VARIABLES, ("secret set", "explanation/seal.md")),
        "merge-file": HelpPage((0, 1), _DECRYPTION_VARIABLES, ("secret set", "validate")),
        "key": HelpPage((0, 1, 5), _KEY_VARIABLES, ("key show", "key create", "explanation/threats.md")),
        "key show": HelpPage((0, 1, 5), (_KEY_ID_VARIABLE,), ("key trust", "doctor")),
        "key trust": HelpPage((0, 1, 5), (_KEY_ID_VARIABLE,), ("key show", "explanation/threats.md")),
        "key create": HelpPage((0, 1, 5), _KEY_VARIABLES, ("key show", "seal")),
        "key seal": HelpPage((0, 1, 5), _KEY_VARIABLES, ("key show", "seal")),
        "key sign-state": HelpPage((0, 1, 4, 5), _RUN_VARIABLES, ("key create", "log", "how-to/recover.md")),
        "usage": HelpPage((0, 1, 5, 6), _RUN_VARIABLES, ("test", "how-to/review.md")),
        "diff": HelpPage((0, 1, 2, 5), _DECRYPTION_VARIABLES, ("plan", "how-to/teams.md")),
        "revoke": HelpPage(
            (0, 1, 3, 5, 6),
            (_API_KEY_VARIABLE, _TRUST_EVENT_VARIABLE),
            ("purge", "apply", "how-to/break-glass.md"),
        ),
        "purge": HelpPage((0, 1, 4, 5, 6), _RUN_VARIABLES, ("revoke", "how-to/break-glass.md")),
        "log": HelpPage((0, 1, 5), _STATE_VARIABLES, ("unlock", "how-to/recover.md")),
        "unlock": HelpPage((0, 1, 4, 5), _STATE_VARIABLES, ("log", "apply", "how-to/recover.md")),
        "doctor": HelpPage((0, 1), _RUN_VARIABLES, ("validate", "how-to/recover.md")),
        "explain": HelpPage((0,), (), ("validate", "reference/codes.md")),
        "schema": HelpPage((0,), (), ("validate", "reference/json.md")),
        "completion": HelpPage((0,), (), ("schema",)),
        "demo": HelpPage((0, 1), (), ("init", "tutorial.md")),
    }
)
"""The help page of each command, by its name after ``keyturn``."""


def build_epilog(name: str) -> str:
    """Return the epilog of a command's help, as unwrapped text for click."""
    page = HELP_PAGES[name]
    rows = [(str(code), EXIT_CODE_MEANINGS[code]) for code in page.exit_codes]
    near = [each if each.endswith(".md") else f"keyturn {each}" for each in page.see_also]
    near = [f"docs/{each}" if each.endswith(".md") else each for each in near]
    parts = [
        ("Exit codes:", [*_format_columns(rows), *_wrap_text("  ", COMMON_EXIT_CODES)]),
        ("Environment:", list(_format_columns((*page.variables, _COLOR_VARIABLES)))),
        ("See also:", list(_wrap_text("  ", ", ".join(near)))),
    ]
    return "\n\n".join("\b\n" + "\n".join([title, *lines]) for title, lines in parts)


def _format_columns(rows: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> Iterator[str]:
    width = max(len(left) for left, _ in rows)
    for left, right in rows:
        yield from _wrap_text(f"  {left:<{width}}  ", right)


def _wrap_text(lead: str, text: str) -> list[str]:
    return textwrap.wrap(text, HELP_WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead))
