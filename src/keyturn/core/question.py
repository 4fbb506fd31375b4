"""What the limits of a plan look at, and how they answer."""

from collections.abc import Mapping

from msgspec import Struct

from keyturn.core.address import SourceLocation
from keyturn.core.change import Change
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.inputs import Approvals, PlanInputs
from keyturn.core.limits import PlanLimits


class GuardContext(Struct, frozen=True, kw_only=True):
    """What a guard looks at.

    ``users`` holds what the service says uses an object: by id, the names of things that are not
    in git. ``room`` is how many more connections the organization may have, None where unknown.
    """

    changes: tuple[Change, ...]
    inputs: PlanInputs
    approvals: Approvals
    limits: PlanLimits
    users: Mapping[str, tuple[str, ...]]
    remaining_connections: int | None = None


def guard_violation(code: str, change: Change, message: str, hint: str, *, cause: Cause = Cause.OTHER) -> Diagnostic:
    """Return the error that a change breaks a rule, at its manifest or, without one, at the ledger."""
    origin = change.desired.origin if change.desired else SourceLocation("ledger")
    return Diagnostic(
        code=code,
        severity=Severity.ERROR,
        message=message,
        origin=origin,
        hint=hint,
        address=change.address,
        cause=cause,
    )
