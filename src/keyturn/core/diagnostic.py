"""A finding: what is wrong or worth knowing, where, why it matters and what to do next."""

from enum import Enum, IntEnum

from msgspec import Struct

from keyturn.core.address import Address, SourceLocation
from keyturn.core.counting import pluralize_or_none


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
