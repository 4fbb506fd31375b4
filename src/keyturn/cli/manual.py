"""What the help of a command says beside its options: exit codes, environment, what to read next."""

import textwrap
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from keyturn.cli import status

WIDE = 76
"""Columns of the help's own lines; the help is indented by two, and a terminal has eighty."""

MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        status.DONE: "done, or nothing to do",
        status.FAULT: "something of yours is to be fixed",
        status.CHANGES: "changes wait (--detailed-exitcode alone)",
        status.PARTIAL: "done in part",
        status.STALE: "the plan is stale, or somebody else holds the lock",
        status.REFUSED: "refused by policy or integrity",
        status.DENIED: "the service does not accept the API key",
    }
)
"""What each exit code means; those of every command are in ``ALWAYS``."""

ALWAYS = "64 wrong usage, 70 a bug of keyturn, 130 interrupted"
"""The exit codes that every command can end with, in a line."""

_KEY = ("PLANASONIX_API_KEY", "the API key, or the variable that `api_key: {env: …}` names")
_AGE = ("SOPS_AGE_KEY_FILE", "file of age keys; SOPS_AGE_KEY and what else sops reads, too")
_BUCKET = ("AWS_…, GOOGLE_…, AZURE_…", "access to a ledger that is kept in a bucket")
_EVENT = ("KEYTURN_TRUST_EVENT", "1: use keys although the pipeline's event looks untrusted")
_WHO = ("GITHUB_…, GITLAB_…, CI_…", "who runs this and which event started it, for the journal")
_COLOUR = ("NO_COLOR, FORCE_COLOR", "colours never, or always; COLUMNS is the width")


class Page(Struct, frozen=True):
    """What is particular to a command: the ways it ends, the variables it reads, what is near it.

    ``endings`` are exit codes; ``reads`` pairs of a variable and what it is for; ``near`` names of
    commands, or of pages below ``docs``.
    """

    endings: tuple[int, ...]
    reads: tuple[tuple[str, str], ...]
    near: tuple[str, ...]


_RUN = (_KEY, _AGE, _BUCKET, _EVENT, _WHO)

PAGES: Mapping[str, Page] = MappingProxyType(
    {
        "init": Page((0, 1), (_AGE,), ("validate", "import", "tutorial.md")),
        "validate": Page((0, 1), (), ("explain", "schema", "reference/policy.md")),
        "import": Page((0, 1, 3, 4, 5, 6), _RUN, ("plan", "pull", "how-to/adopt.md")),
        "pull": Page((0, 1, 3, 5, 6), _RUN, ("plan", "import", "how-to/adopt.md")),
        "plan": Page((0, 1, 2, 5, 6), _RUN, ("apply", "show", "how-to/forks.md")),
        "show": Page((0, 1, 4, 5), (_AGE,), ("plan", "apply", "reference/json.md")),
        "apply": Page((0, 1, 3, 4, 5, 6), _RUN, ("plan", "log", "how-to/recover.md")),
        "test": Page((0, 1, 5, 6), (_KEY, _BUCKET, _EVENT), ("apply", "doctor", "how-to/rotate.md")),
        "secret": Page((0, 1, 5), (_AGE,), ("secret set", "seal")),
        "secret set": Page((0, 1, 5), (_AGE,), ("seal", "apply", "how-to/rotate.md")),
        "seal": Page((0, 1, 5), (_AGE,), ("secret set", "explanation/seal.md")),
        "usage": Page((0, 1, 5, 6), _RUN, ("test", "how-to/review.md")),
        "diff": Page((0, 1, 2, 5), (_AGE,), ("plan", "how-to/teams.md")),
        "revoke": Page((0, 1, 3, 6), (_KEY, _EVENT), ("purge", "apply", "how-to/break-glass.md")),
        "purge": Page((0, 1, 4, 5, 6), _RUN, ("revoke", "how-to/break-glass.md")),
        "log": Page((0, 1, 5), (_BUCKET,), ("unlock", "how-to/recover.md")),
        "unlock": Page((0, 1, 4), (_BUCKET,), ("log", "apply", "how-to/recover.md")),
        "doctor": Page((0, 1), _RUN, ("validate", "how-to/recover.md")),
        "explain": Page((0,), (), ("validate", "reference/codes.md")),
        "schema": Page((0,), (), ("validate", "reference/json.md")),
        "completion": Page((0,), (), ("schema",)),
        "demo": Page((0, 1), (), ("init", "tutorial.md")),
    }
)
"""The page of each command, by the words behind ``keyturn``."""


def epilog(name: str) -> str:
    """Return what the help of a command says behind its options, as click's text without wrapping."""
    page = PAGES[name]
    endings = [(str(code), MEANINGS[code]) for code in page.endings]
    near = [each if each.endswith(".md") else f"keyturn {each}" for each in page.near]
    near = [f"docs/{each}" if each.endswith(".md") else each for each in near]
    parts = [
        ("Exit codes:", [*_columns(endings), *_wrapped("  ", ALWAYS)]),
        ("Environment:", list(_columns((*page.reads, _COLOUR)))),
        ("See also:", list(_wrapped("  ", ", ".join(near)))),
    ]
    return "\n\n".join("\b\n" + "\n".join([title, *lines]) for title, lines in parts)


def _columns(rows: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> Iterator[str]:
    wide = max(len(left) for left, _ in rows)
    for left, right in rows:
        yield from _wrapped(f"  {left:<{wide}}  ", right)


def _wrapped(lead: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDE, initial_indent=lead, subsequent_indent=" " * len(lead))
