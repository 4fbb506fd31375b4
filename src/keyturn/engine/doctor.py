"""A check-up of everything between a manifest and the service; whatever is broken, the rest is looked at."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from keyturn.api.client import Client
from keyturn.api.errors import Unauthorized, ServiceError
from keyturn.core.address import SourceLocation
from keyturn.core.counting import pluralize_or_none
from keyturn.core.diagnostic import DiagnosticError
from keyturn.core.health import CheckResult, CheckStatus, checks_from_diagnostics, passed_check
from keyturn.engine.observe import check_organization
from keyturn.ledger.clock import RunClock
from keyturn.ledger.lock import read_held_lock
from keyturn.ledger.medium import StateStore
from keyturn.ledger.reading import load_state
from keyturn.ledger.record import read_journal_records, verify_chain
from keyturn.load.findings import warning_diagnostic
from keyturn.load.project import Workspace

MAX_CLOCK_SKEW = 60.0
"""Seconds by which this machine's clock and the service's may differ without a word."""


class DoctorContext(Struct, frozen=True):
    """How the service and the ledger of a workspace are opened; each may raise Faulty."""

    open_service: Callable[[], Client]
    open_store: Callable[[], StateStore]
    clock: RunClock


def check_service(context: DoctorContext, workspace: Workspace) -> Iterator[CheckResult]:
    """Check the API: reached, let in, the right organization, the same time of day."""
    try:
        client = context.open_service()
        check_organization(client, workspace.organization)
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("api", faulty.diagnostics)
        return
    except Unauthorized as denied:
        yield _unauthorized_check(denied)
        return
    except ServiceError as error:
        yield from checks_from_diagnostics("api", [error.to_diagnostic()])
        return
    yield passed_check("api", f"{workspace.base_url} lets the key in, to {workspace.organization}")
    for word, ask in (("credential", client.list_credentials), ("connection", client.list_connections)):
        try:
            listed = ask()
        except Unauthorized as denied:
            yield _unauthorized_check(denied)
        except ServiceError as error:
            yield from checks_from_diagnostics("api", [error.to_diagnostic()])
        else:
            yield passed_check("api", f"{pluralize_or_none(len(listed.records), word)} can be read")
    yield from _check_clock(client, context.clock)


def _unauthorized_check(denied: Unauthorized) -> CheckResult:
    known = denied.status == 403  # noqa: PLR2004
    hint = (
        "the key is known: it lacks a scope (connections:read, connections:write, connectors:read), a "
        "resource policy excludes it, or this address is not on the allowlist"
        if known
        else "the key is unknown, revoked or expired: make a new one in Planasonix' settings"
    )
    check = checks_from_diagnostics("api", [denied.to_diagnostic()])[0]
    return CheckResult(topic=check.topic, status=CheckStatus.FAILED, message=check.message, hint=hint, code=check.code)


def _check_clock(client: Client, clock: RunClock) -> Iterator[CheckResult]:
    told = client.server_date
    if told is None:
        return
    apart = clock.now().timestamp() - told
    if abs(apart) <= MAX_CLOCK_SKEW:
        yield passed_check("clock", f"within {MAX_CLOCK_SKEW:.0f} seconds of the service's")
        return
    word = "ahead of" if apart > 0 else "behind"
    message = f"this machine's clock is {abs(apart):,.0f} seconds {word} the service's"
    hint = "set it by NTP: expiries, ages and saved plans go by it"
    yield from checks_from_diagnostics("clock", [warning_diagnostic("KT083", SourceLocation("clock"), message, hint)])


def check_state(context: DoctorContext, workspace: Workspace) -> Iterator[CheckResult]:
    """Check the ledger: readable, its journal whole, nothing left open, the lock free."""
    try:
        store = context.open_store()
        reading = load_state(store, workspace.name, workspace.organization)
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("ledger", faulty.diagnostics)
        return
    yield from checks_from_diagnostics("ledger", reading.diagnostics)
    yield passed_check("ledger", f"{pluralize_or_none(len(reading.state.entries), 'entry', 'entries')} in {workspace.state_url}")
    if reading.state.open_intents:
        message = f"a run was cut off: {pluralize_or_none(len(reading.state.open_intents), 'write')} not settled"
        hint = "run `keyturn apply`: it looks what became of them before anything else"
        yield from checks_from_diagnostics("ledger", [warning_diagnostic("KT086", SourceLocation(store.location), message, hint)])
    yield from _check_journal(store)
    yield from _check_lock(store)


def _check_journal(store: StateStore) -> Iterator[CheckResult]:
    records = tuple(read_journal_records(store.open_log().read(0)))
    where = verify_chain(records)
    if where is None:
        yield passed_check("journal", f"{pluralize_or_none(len(records), 'record')}, chain of hashes whole")
        return
    message = f"{store.location}: the journal was changed or damaged at record {where + 1} of {len(records)}"
    hint = "put an untouched copy back, or move the journal away; `keyturn log --verify` tells the same"
    yield CheckResult(topic="journal", status=CheckStatus.FAILED, message=message, hint=hint, code="KT620")


def _check_lock(store: StateStore) -> Iterator[CheckResult]:
    try:
        held = read_held_lock(store)
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("lock", faulty.diagnostics)
        return
    if held is None:
        yield passed_check("lock", "free")
        return
    message = f"{held.holder.who} on {held.holder.host} holds the lock since {held.since}"
    hint = f"if that run is dead: keyturn unlock {held.holder.id}"
    yield from checks_from_diagnostics("lock", [warning_diagnostic("KT610", SourceLocation(store.location), message, hint)])
