"""A finding: what is wrong or worth knowing, where, why it matters and what to do next."""

from enum import Enum, IntEnum

from msgspec import Struct

from keyturn.model.address import Address, SourceLocation


def pluralize(number: int, noun: str, plural: str = "") -> str:
    """Return ``7 connections``, ``1 connection`` or ``0 connections``: for lines that programs read too.

    ``plural`` is for a noun that does not take an s; thousands are set apart by commas.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def pluralize_or_none(number: int | None, noun: str, plural: str = "") -> str:
    """Return the same for people: none is ``no connections``, None is ``connections: unknown``."""
    if number is None:
        return f"{plural or f'{noun}s'}: unknown"
    return pluralize(number, noun, plural) if number else f"no {plural or f'{noun}s'}"


class Severity(IntEnum):
    """How much a finding weighs; the order is the order in which findings are shown."""

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
    """A stored secret would be sent to a destination that nobody approved."""
    NOT_COMPARED = "not_compared"
    """No key is available to tell whether a secret changed."""
    CONSENT_NEEDED = "consent_needed"
    """A person must authorize an OAuth credential in the UI."""
    LONG_LIVED_KEY = "long_lived_key"
    STATIC_DATABASE_LOGIN = "static_database_login"
    """A connection uses a password although its database supports short-lived tokens."""


class Diagnostic(Struct, frozen=True, kw_only=True):
    """A finding as a value.

    ``code`` is stable (``KT201``) and explained by ``keyturn explain``. ``message`` says what is
    wrong and never holds a value of a manifest that could be a secret; ``hint`` says what to do.
    ``cause`` is for decisions of the program.
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
        """The sort key: worst first, then by place."""
        return (self.severity, self.origin, self.code, self.message)


class DiagnosticError(Exception):  # noqa: N818
    """Raised where work cannot go on because of things that the user can fix; all of them at once."""

    def __init__(self, *findings: Diagnostic) -> None:
        super().__init__(pluralize_or_none(len(findings), "finding"))
        self.diagnostics = tuple(sorted(findings, key=lambda finding: finding.sort_key))


def error_diagnostic(
    code: str, origin: SourceLocation, message: str, hint: str, *, cause: Cause = Cause.OTHER
) -> Diagnostic:
    """Return an error as a value."""
    return Diagnostic(
        code=code, severity=Severity.ERROR, message=message, origin=origin, hint=hint, cause=cause
    )


def warning_diagnostic(
    code: str, origin: SourceLocation, message: str, hint: str, *, cause: Cause = Cause.OTHER
) -> Diagnostic:
    """Return a warning as a value."""
    return Diagnostic(
        code=code, severity=Severity.WARNING, message=message, origin=origin, hint=hint, cause=cause
    )


def storage_warning(code: str, where: str, message: str, hint: str) -> Diagnostic:
    """Return a warning about the place ``where`` (a store's address and a key)."""
    return Diagnostic(
        code=code, severity=Severity.WARNING, message=message, origin=SourceLocation(where), hint=hint
    )


def storage_error(code: str, where: str, message: str, hint: str) -> DiagnosticError:
    """Return the exception that stops work over the place ``where``."""
    return DiagnosticError(
        Diagnostic(
            code=code, severity=Severity.ERROR, message=message, origin=SourceLocation(where), hint=hint
        )
    )
