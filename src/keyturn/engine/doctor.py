"""A check-up of everything between a manifest and the service; whatever is broken, the rest is looked at."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from keyturn.api.client import Client
from keyturn.api.errors import Denied, ServiceError
from keyturn.core.address import Origin
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Faulty
from keyturn.core.health import Check, State, found, good
from keyturn.engine.observe import refuse_foreign
from keyturn.ledger.clock import Clock
from keyturn.ledger.lock import holder_of
from keyturn.ledger.medium import Store
from keyturn.ledger.reading import read_ledger
from keyturn.ledger.record import read, verify
from keyturn.load.findings import doubt
from keyturn.load.project import Workspace

SKEW = 60.0
"""Seconds by which this machine's clock and the service's may differ without a word."""


class Doors(Struct, frozen=True):
    """How the service and the ledger of a workspace are opened; each may raise Faulty."""

    service: Callable[[], Client]
    store: Callable[[], Store]
    clock: Clock


def service(doors: Doors, workspace: Workspace) -> Iterator[Check]:
    """Check the API: reached, let in, the right organization, the same time of day."""
    try:
        client = doors.service()
        refuse_foreign(client, workspace.organization)
    except Faulty as faulty:
        yield from found("api", faulty.findings)
        return
    except Denied as denied:
        yield _denied(denied)
        return
    except ServiceError as error:
        yield from found("api", [error.finding()])
        return
    yield good("api", f"{workspace.base_url} lets the key in, to {workspace.organization}")
    for word, ask in (("credential", client.credentials), ("connection", client.connections)):
        try:
            listed = ask()
        except Denied as denied:
            yield _denied(denied)
        except ServiceError as error:
            yield from found("api", [error.finding()])
        else:
            yield good("api", f"{counted(len(listed.records), word)} can be read")
    yield from _skew(client, doors.clock)


def _denied(denied: Denied) -> Check:
    known = denied.status == 403  # noqa: PLR2004
    hint = (
        "the key is known: it lacks a scope (connections:read, connections:write, connectors:read), a "
        "resource policy excludes it, or this address is not on the allowlist"
        if known
        else "the key is unknown, revoked or expired: make a new one in Planasonix' settings"
    )
    check = found("api", [denied.finding()])[0]
    return Check(topic=check.topic, state=State.BROKEN, message=check.message, hint=hint, code=check.code)


def _skew(client: Client, clock: Clock) -> Iterator[Check]:
    told = client.server_date
    if told is None:
        return
    apart = clock.now().timestamp() - told
    if abs(apart) <= SKEW:
        yield good("clock", f"within {SKEW:.0f} seconds of the service's")
        return
    word = "ahead of" if apart > 0 else "behind"
    message = f"this machine's clock is {abs(apart):,.0f} seconds {word} the service's"
    hint = "set it by NTP: expiries, ages and saved plans go by it"
    yield from found("clock", [doubt("KT083", Origin("clock"), message, hint)])


def ledger(doors: Doors, workspace: Workspace) -> Iterator[Check]:
    """Check the ledger: readable, its journal whole, nothing left open, the lock free."""
    try:
        store = doors.store()
        reading = read_ledger(store, workspace.name, workspace.organization)
    except Faulty as faulty:
        yield from found("ledger", faulty.findings)
        return
    yield from found("ledger", reading.findings)
    yield good("ledger", f"{counted(len(reading.ledger.entries), 'entry', 'entries')} in {workspace.ledger}")
    if reading.ledger.open:
        message = f"a run was cut off: {counted(len(reading.ledger.open), 'write')} not settled"
        hint = "run `keyturn apply`: it looks what became of them before anything else"
        yield from found("ledger", [doubt("KT086", Origin(store.place), message, hint)])
    yield from _journal(store)
    yield from _lock(store)


def _journal(store: Store) -> Iterator[Check]:
    records = tuple(read(store.tape().read(0)))
    where = verify(records)
    if where is None:
        yield good("journal", f"{counted(len(records), 'record')}, chain of hashes whole")
        return
    message = f"{store.place}: the journal was changed or damaged at record {where + 1} of {len(records)}"
    hint = "put an untouched copy back, or move the journal away; `keyturn log --verify` tells the same"
    yield Check(topic="journal", state=State.BROKEN, message=message, hint=hint, code="KT620")


def _lock(store: Store) -> Iterator[Check]:
    try:
        held = holder_of(store)
    except Faulty as faulty:
        yield from found("lock", faulty.findings)
        return
    if held is None:
        yield good("lock", "free")
        return
    message = f"{held.holder.who} on {held.holder.host} holds the lock since {held.since}"
    hint = f"if that run is dead: keyturn unlock {held.holder.id}"
    yield from found("lock", [doubt("KT610", Origin(store.place), message, hint)])
