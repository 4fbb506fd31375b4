"""Diagnostics: errors, warnings and notes with code, location, message and hint."""

from collections.abc import Collection
from difflib import SequenceMatcher
from enum import Enum, IntEnum
from heapq import nlargest
from typing import Final

from msgspec import Struct

from keyturn.model.address import Address, SourceLocation

_MAX_COMPARED_LETTERS: Final = 120
_MAX_COMPARED_NAMES: Final = 10


def pluralize(number: int, noun: str, plural: str = "") -> str:
    """Format a count with its noun: ``7,000 connections``, ``1 connection``, ``0 connections``.

    ``plural`` is the plural of a noun that does not take an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def pluralize_or_none(number: int | None, noun: str, plural: str = "") -> str:
    """Format a count as ``pluralize``, but 0 as ``no connections`` and None as ``connections: unknown``."""
    if number is None:
        return f"{plural or f'{noun}s'}: unknown"
    return pluralize(number, noun, plural) if number else f"no {plural or f'{noun}s'}"


def find_nearest_name(word: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """Return the known name most similar to ``word``; empty if no similarity reaches ``cutoff`` (0 to 1).

    The similarity is that of difflib, whose time grows with the cube of the length. Only the ten names
    that may be the most similar by their letters are compared by it, and no name above 120 letters.
    """
    if len(word) > _MAX_COMPARED_LETTERS:
        return ""
    matcher = SequenceMatcher(b=word)
    bounds = []
    for name in known:
        if len(name) <= _MAX_COMPARED_LETTERS:
            matcher.set_seq1(name)
            if matcher.real_quick_ratio() >= cutoff and (bound := matcher.quick_ratio()) >= cutoff:
                bounds.append((bound, name))
    nearest = (cutoff, "")
    for _, name in nlargest(_MAX_COMPARED_NAMES, bounds):
        matcher.set_seq1(name)
        nearest = max(nearest, (matcher.ratio(), name))
    return nearest[1]


def suggest_nearest(word: str, known: Collection[str]) -> str:
    """Return ``did you mean …?`` for a misspelled ``word``, else the known names; empty if there are none."""
    near = find_nearest_name(word, known)
    if near:
        return f"did you mean {near}?"
    return f"known here: {', '.join(sorted(known))}" if known else ""


class Severity(IntEnum):
    """The severity of a diagnostic; diagnostics are shown in this order."""

    ERROR = 0
    WARNING = 1
    NOTE = 2


class Cause(Enum):
    """The reason for a diagnostic, where a later decision depends on it.

    Code decides by the cause, never by the ``KT`` code, which is for people.
    """

    OTHER = "other"
    POSSIBLE_PLAINTEXT = "possible_plaintext"
    """The source line may contain a secret in plain text, so no value of it is shown."""
    EMPTY_VALUE = "empty_value"
    MERGE_CONFLICT = "merge_conflict"
    NO_KEY = "no_key"
    WRONG_KEY = "wrong_key"
    """Keys are available, but none of them belongs to a recipient of the file."""
    MAC_MISMATCH = "mac_mismatch"
    TAMPERING = "tampering"
    """The file differs from what a holder of the key encrypted or sealed; see also MAC_MISMATCH."""
    NEW_DESTINATION = "new_destination"
    """A stored secret would be sent to a destination without an approval."""
    NOT_COMPARED = "not_compared"
    """No key is available to tell whether a secret changed."""
    CONSENT_NEEDED = "consent_needed"
    """A person must authorize an OAuth credential in the UI."""
    LONG_LIVED_KEY = "long_lived_key"
    STATIC_DATABASE_LOGIN = "static_database_login"
    """A connection uses a password although its database supports short-lived tokens."""


class Diagnostic(Struct, frozen=True, kw_only=True):
    """An error, warning or note.

    ``code`` is stable (``KT201``) and explained by ``keyturn explain``. ``message`` states the
    problem and never contains a manifest value that could be a secret; ``hint`` states the fix.
    ``origin`` is the location of the problem.
    """

    code: str
    severity: Severity
    message: str
    origin: SourceLocation
    hint: str = ""
    address: Address | None = None
    cause: Cause = Cause.OTHER

    @property
    def sort_key(self) -> tuple[int, SourceLocation, str, str]:
        """The sort key: most severe first, then by location, code and message."""
        return (self.severity, self.origin, self.code, self.message)


class DiagnosticError(Exception):
    """Raised when the user must fix something first; carries all diagnostics, sorted."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(pluralize_or_none(len(diagnostics), "diagnostic"))
        self.diagnostics = tuple(sorted(diagnostics, key=lambda diagnostic: diagnostic.sort_key))


def error_diagnostic(
    code: str, origin: SourceLocation, message: str, hint: str, *, cause: Cause = Cause.OTHER
) -> Diagnostic:
    """Return a diagnostic of severity ERROR."""
    return Diagnostic(
        code=code, severity=Severity.ERROR, message=message, origin=origin, hint=hint, cause=cause
    )


def warning_diagnostic(
    code: str, origin: SourceLocation, message: str, hint: str, *, cause: Cause = Cause.OTHER
) -> Diagnostic:
    """Return a diagnostic of severity WARNING."""
    return Diagnostic(
        code=code, severity=Severity.WARNING, message=message, origin=origin, hint=hint, cause=cause
    )


def storage_warning(code: str, where: str, message: str, hint: str) -> Diagnostic:
    """Return a warning located at ``where``: the URL of a state store, with a key."""
    return warning_diagnostic(code, SourceLocation(where), message, hint)


def storage_error(
    code: str, where: str, message: str, hint: str, *, cause: Cause = Cause.OTHER
) -> DiagnosticError:
    """Return the exception for an error located at ``where``: the URL of a state store, with a key."""
    return DiagnosticError(error_diagnostic(code, SourceLocation(where), message, hint, cause=cause))
