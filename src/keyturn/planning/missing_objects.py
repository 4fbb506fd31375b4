"""Managed objects that neither a list nor a read shows any more.

Rule: absence is no proof. Many missing objects at once mean that the API key lost rights rather than that
somebody deleted them, so nothing is created again and no entry is forgotten.
"""

from collections.abc import Iterable, Iterator

from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, Change
from keyturn.model.diagnostic import Diagnostic, Severity, pluralize
from keyturn.planning.inputs import PlanInputs

MAX_MISSING = 3
MISSING_DIVISOR = 10
"""Up to three objects, or a tenth of the managed ones, may be missing."""

_ACTIONS_FOR_MISSING = frozenset({Action.CREATE, Action.FORGET})
_MAX_NAMED = 3


def find_missing_objects(changes: Iterable[Change], inputs: PlanInputs) -> Iterator[Diagnostic]:
    """Yield an error if too many managed objects are missing, or all of several."""
    missing = [change for change in changes if _is_missing(change)]
    total = sum(not entry.retired_at for entry in inputs.entries.values())
    limit = max(MAX_MISSING, total // MISSING_DIVISOR)
    if len(missing) <= limit and not (len(missing) == total > 1):
        return
    names = ", ".join(str(change.address) for change in missing[:_MAX_NAMED])
    more = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
    yield Diagnostic(
        code="KT474",
        severity=Severity.ERROR,
        message=f"{len(missing)} of {pluralize(total, 'managed object')} cannot be found: {names}{more}",
        origin=SourceLocation("workspace"),
        hint="check the scopes and the resource policy of the API key; if the objects are really deleted, "
        f"plan and apply them with --target, at most {max(1, min(limit, total - 1))} at a time",
    )


def _is_missing(change: Change) -> bool:
    return (
        change.action in _ACTIONS_FOR_MISSING
        and change.entry is not None
        and not change.entry.retired_at
        and change.live is None
    )
