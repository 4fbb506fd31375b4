"""Making room: an object whose name another one gets is given a name of its own, and keeps all else.

Connections still run on it, or may have to be pointed back to it, so it is written in full wherever
that can be done: a service that replaces would drop what a mere name leaves out.
"""

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.diagnostic import DiagnosticError
from keyturn.core.fields import format_path
from keyturn.core.resource import DesiredResource, LiveObject
from keyturn.engine.desk import ApplyContext, StaleObject
from keyturn.engine.rollback import previously_applied
from keyturn.engine.work import desired_from_live, read_object
from keyturn.kinds import KINDS
from keyturn.ledger.event import Intent


class RenamedObject(Struct, frozen=True):
    """An object that was moved and read back, with the intent that is still to be ended."""

    intent: Intent
    live: LiveObject
    warnings: tuple[str, ...] = ()


def rename_away(change: Change, now: LiveObject, aside: Address, context: ApplyContext) -> RenamedObject:
    """Give ``now`` the name of ``aside`` and leave all else as it is; raises Stale.

    A credential whose secrets git no longer holds is sent its name alone; what is seen to be lost
    by that is a warning.
    """
    kind = KINDS[aside.kind]
    whole = _full_content(change, now, context)
    body = kind.encode(replace(whole, address=aside), context.ids) if whole else {"name": aside.name}
    intent = context.record_intent(change, "update", object=now.id, expect=aside.name)
    service = context.run.service
    context.send_write(intent, lambda: service.update_record(kind.collection, now.id, body, idempotent=True))
    live = read_object(kind, now.id, context)
    if live.address != aside:
        raise StaleObject("the service answered yes and kept the name")
    lost = sorted(format_path(path) for path in now.fields if path not in live.fields) if whole is None else []
    return RenamedObject(intent, live, (f"{', '.join(lost)} of {aside} is gone since it has this name",) * bool(lost))


def _full_content(change: Change, now: LiveObject, context: ApplyContext) -> DesiredResource | None:
    if now.address.kind == "connection":
        return desired_from_live(now)
    return None if context.run.workspace.put == "partial" else _read_committed(change, context)


def _read_committed(change: Change, context: ApplyContext) -> DesiredResource | None:
    try:
        return previously_applied(change, context)
    except DiagnosticError:
        return None
