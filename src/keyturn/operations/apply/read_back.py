"""Reads of an object after a write of this run. Rule: a single read may lag, as a list does.

A read that shows the state before the write is repeated after each of ``READ_BACK_DELAYS``. If the write
stays invisible, its outcome is unknown.
"""

from collections.abc import Callable

from keyturn.client.errors import ErrorDetails, NotFound, OutcomeUnknown
from keyturn.client.messages import Request
from keyturn.client.records import ApiRecord
from keyturn.kinds import ResourceKind
from keyturn.model.clock import WaitInterruptedError, normalize_timestamp
from keyturn.model.resource import LiveObject
from keyturn.operations.apply.context import ApplyContext, StaleObject

READ_BACK_DELAYS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each read after a write."""

OTHER_OBJECT_MESSAGE = "the service returned a different object"


def read_object(kind: ResourceKind, object_id: str, context: ApplyContext) -> LiveObject:
    """Return the live object; raises ServiceError, and StaleObject if another object is returned."""
    live = kind.decode(context.run.service.read_record(kind.collection, object_id))
    if live.id != object_id:
        raise StaleObject(OTHER_OBJECT_MESSAGE)
    return live


def read_written_object(
    kind: ResourceKind,
    object_id: str,
    context: ApplyContext,
    is_former: Callable[[LiveObject], bool] = lambda _: False,
) -> LiveObject:
    """Return the live object after a write; read again while it is missing or ``is_former``.

    An object that is still ``is_former`` at the last read is returned. Raises OutcomeUnknown for an object
    that stays invisible, and if the run is interrupted.
    """
    live: LiveObject | None = None
    for delay in READ_BACK_DELAYS:
        _wait(delay, kind, context)
        try:
            live = read_object(kind, object_id, context)
        except NotFound:
            live = None
        if live is not None and not is_former(live):
            return live
    if live is None:
        raise build_invisible_error(kind, "the written object is not visible yet")
    return live


def is_still_live(kind: ResourceKind, object_id: str, context: ApplyContext) -> bool:
    """Tell whether an object is still shown as not deleted after its retirement, at the last read."""
    for delay in READ_BACK_DELAYS:
        _wait(delay, kind, context)
        try:
            if read_object(kind, object_id, context).status == "deleted":
                return False
        except NotFound:
            return False
    return True


def shows_former_state(live: LiveObject, before: LiveObject, response: ApiRecord | None) -> bool:
    """Tell whether a read certainly shows the state before a write: the response to it has a later time."""
    written = normalize_timestamp(response.updated_at) if response else ""
    return bool(written) and written != before.updated_at and live.updated_at == before.updated_at


def build_invisible_error(kind: ResourceKind, reason: str) -> OutcomeUnknown:
    """Return the error for a write that no read shows."""
    path = f"/api/{kind.collection}/{{id}}"
    request = Request(method="GET", path=path, path_template=path, operation="read")
    return OutcomeUnknown(request, ErrorDetails(reason=reason))


def _wait(seconds: float, kind: ResourceKind, context: ApplyContext) -> None:
    if not seconds:
        return
    try:
        context.run.sleep(seconds)
    except WaitInterruptedError:
        raise build_invisible_error(kind, "the run was interrupted before the write was visible") from None
