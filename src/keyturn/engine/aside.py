"""Making room: an object whose name another one gets is given a name of its own, and keeps all else.

Connections still run on it, or may have to be pointed back to it, so it is written in full wherever
that can be done: a service that replaces would drop what a mere name leaves out.
"""

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.diagnostic import Faulty
from keyturn.core.fields import dotted
from keyturn.core.resource import Desired, Live
from keyturn.engine.desk import Desk, Stale
from keyturn.engine.rollback import in_use
from keyturn.engine.work import as_shown, read
from keyturn.kinds import KINDS
from keyturn.ledger.event import Intent


class Aside(Struct, frozen=True):
    """An object that was moved and read back, with the intent that is still to be ended."""

    intent: Intent
    live: Live
    warnings: tuple[str, ...] = ()


def move_aside(change: Change, now: Live, aside: Address, desk: Desk) -> Aside:
    """Give ``now`` the name of ``aside`` and leave all else as it is; raises Stale.

    A credential whose secrets git no longer holds is sent its name alone; what is seen to be lost
    by that is a warning.
    """
    kind = KINDS[aside.kind]
    whole = _whole(change, now, desk)
    body = kind.encode(replace(whole, address=aside), desk.ids) if whole else {"name": aside.name}
    intent = desk.intend(change, "update", object=now.id, expect=aside.name)
    service = desk.run.service
    desk.send_write(intent, lambda: service.update(kind.collection, now.id, body, idempotent=True))
    live = read(kind, now.id, desk)
    if live.address != aside:
        raise Stale("the service answered yes and kept the name")
    lost = sorted(dotted(path) for path in now.fields if path not in live.fields) if whole is None else []
    return Aside(intent, live, (f"{', '.join(lost)} of {aside} is gone since it has this name",) * bool(lost))


def _whole(change: Change, now: Live, desk: Desk) -> Desired | None:
    if now.address.kind == "connection":
        return as_shown(now)
    return None if desk.run.workspace.put == "partial" else _as_committed(change, desk)


def _as_committed(change: Change, desk: Desk) -> Desired | None:
    try:
        return in_use(change, desk)
    except Faulty:
        return None
