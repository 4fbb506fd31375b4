"""Statuses of live objects that keyturn does not know, such as ``expired`` or ``disabled``.

Rule: an object with such a status exists and is not deleted; keyturn changes it like an active one.
"""

import re
from collections.abc import Iterator

from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.resource import LiveObject
from keyturn.planning.inputs import PlanInputs

KNOWN_STATUSES = frozenset({"active", "deleted"})

# Other texts of the service are not shown, because they may repeat a secret.
_SHOWN_PATTERN = re.compile(r"[a-z]+(?:[_ -][a-z]+){0,2}", re.ASCII)
_MAX_SHOWN_LENGTH = 24


def find_unknown_statuses(inputs: PlanInputs) -> Iterator[Diagnostic]:
    """Yield a warning for each declared resource whose live object has an unknown status."""
    by_address = inputs.live_by_address()
    for address, desired in sorted(inputs.desired.items()):
        entry = inputs.entries.get(address)
        live = inputs.live.get(entry.id) if entry else next(iter(by_address.get(address, ())), None)
        if live is not None and live.status not in KNOWN_STATUSES:
            yield Diagnostic(
                code="KT475",
                severity=Severity.WARNING,
                message=f"the service shows the status `{format_status(live)}` for {address}",
                origin=desired.origin,
                hint="find out in Planasonix what it means: connections that use the object may fail",
                address=address,
            )


def format_status(live: LiveObject) -> str:
    """Return the status of an object for display: words of lower-case letters, otherwise ``…``."""
    is_shown = len(live.status) <= _MAX_SHOWN_LENGTH and _SHOWN_PATTERN.fullmatch(live.status)
    return live.status if is_shown else "…"
