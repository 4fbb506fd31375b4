"""Broken engines: each has one deliberate mistake and the cases that must detect it.

They test the fault tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from faults.fault_cases import LOST_RESPONSES, UNAPPLIED, FaultCase, at_each_request, run_without_faults
from faults.harness import Harness
from faults.scenarios import CREATE, DATED, MOVES, REFUSALS, REPLACED, SCENARIOS, SETS, VERIFY, Scenario
from keyturn.client.client import Client
from keyturn.client.pagination import ListReader
from keyturn.kinds import connection, credential
from keyturn.model import resource
from keyturn.operations import exclusive_run, observe
from keyturn.operations.apply import (
    connection_tests,
    context,
    executor,
    lifecycle,
    read_back,
    rotate,
    rotate_replace,
    session,
    writes,
)
from keyturn.operations.plan import creation_evidence, recovery
from keyturn.operations.plan.creation_evidence import CreationSearch
from keyturn.planning import scope
from keyturn.state import lock
from keyturn.state.journal import Journal

Patch = pytest.MonkeyPatch
Cases = Callable[[Harness], list[FaultCase]]


@dataclass(frozen=True, slots=True)
class BrokenEngine:
    """A mistake, installed by ``install``, and the cases that must detect it."""

    name: str
    install: Callable[[Patch], None]
    cases: Cases


def lost_response_cases(scenario: Scenario, **settings: Any) -> Cases:
    """Return cases with a lost response at each request; names are not unique."""
    return lambda harness: [
        FaultCase(scenario=scenario, faults=(fault,), settings={"unique_names": False, **settings})
        for fault in at_each_request(len(run_without_faults(harness, scenario).requests), LOST_RESPONSES[:1])
    ]


def unapplied_cases(scenario: Scenario, kind: int) -> Cases:
    """Return cases with one kind of unapplied request, at each request."""
    return lambda harness: [
        FaultCase(scenario=scenario, faults=(fault,))
        for fault in at_each_request(len(run_without_faults(harness, scenario).requests), (UNAPPLIED[kind],))
    ]


def crash_cases(scenario: Scenario, **settings: Any) -> Cases:
    """Return a case for each crash point."""
    return lambda harness: [
        FaultCase(scenario=scenario, crash_at=number, settings={"unique_names": False, **settings})
        for number in range(1, len(run_without_faults(harness, scenario).crash_points) + 1)
    ]


def plain_case(scenario: Scenario, **settings: Any) -> Cases:
    """Return one case without faults."""
    return lambda _: [FaultCase(scenario=scenario, settings=settings)]


def note_cases(harness: Harness) -> list[FaultCase]:
    """Return cases in which an unmanaged field is added before each re-read."""
    scenario = SCENARIOS["update"]
    requests = run_without_faults(harness, scenario).requests
    last = max(n for n, each in enumerate(requests, 1) if each["method"] == "PUT")
    change = {"collection": "connections", "name": "n-up", "change": {"config": {"schema": "kept"}}}
    return [
        FaultCase(
            scenario=scenario,
            faults=({"kind": "edit_before", "at": number, "edit": change},),
            noted_object="n-up",
        )
        for number in range(1, last)
    ]


def _naive_retry(patch: Patch) -> None:
    patch.setattr(writes, "find_created", lambda *_: CreationSearch())


def _no_grace(patch: Patch) -> None:
    patch.setattr(writes, "LOOKUP_DELAYS", (0.0,))


def _no_second_plan(patch: Patch) -> None:
    patch.setattr(session, "_compute_lookup_delay", lambda *_: 0.0)


def _no_reread(patch: Patch) -> None:
    def believing(change: Any, *_: Any) -> Any:
        return change.live

    for module in (writes, lifecycle, rotate_replace):
        patch.setattr(module, "reread_object", believing)


def _no_read_back(patch: Patch) -> None:
    patch.setattr(writes, "reject_ignored_write", lambda *_: None)


def _intent_afterwards(patch: Patch) -> None:
    intend = context.ApplyContext.record_intent
    append = Journal.append

    def late(self: Any, change: Any, op: str, **more: str) -> Any:
        patch.setattr(Journal, "append", lambda journal, event: journal.enqueue(event))
        try:
            return intend(self, change, op, **more)
        finally:
            patch.setattr(Journal, "append", append)

    patch.setattr(context.ApplyContext, "record_intent", late)


def _restore_without_put(patch: Patch) -> None:
    def half(change: Any, at: Any) -> Any:
        kind = lifecycle.KINDS[change.address.kind]
        intent = at.record_intent(change, "restore", object=change.live.id)
        at.run.service.restore_credential(change.live.id)
        back = lifecycle.read_object(kind, change.live.id, at)
        done = writes.build_write_result(replace(change, live=back), back, at)
        at.record_success(intent, done.entry)
        at.ids[change.address] = change.live.id
        return done

    patch.setattr(executor, "ACTION_HANDLERS", {**executor.ACTION_HANDLERS, executor.Action.RESTORE: half})


def _believes_lists(patch: Patch) -> None:
    patch.setattr(observe, "_find_unlisted", lambda *_: iter(()))
    read = ListReader.read_list

    def short(self: Any, path: str, **more: Any) -> Any:
        listing = read(self, path, **more)
        return replace(listing, records=listing.records[1:])

    patch.setattr(ListReader, "read_list", short)


def _partial_put(patch: Patch) -> None:
    body_of = writes.build_update_body

    def part(change: Any, now: Any, at: Any) -> Any:
        body = body_of(change, now, at)
        if change.address.kind == "credential" and change.action.value == "update":
            body["config"] = {
                path[-1]: change.desired.fields[path] for path in (f.path for f in change.fields)
            }
        return body

    patch.setattr(writes, "build_update_body", part)


def _no_lock(patch: Patch) -> None:
    def free(store: Any, holder: Any, clock: Any) -> Any:
        store.objects.pop(lock.LOCK_KEY, None)
        return lock.acquire_lock(store, holder, clock)

    patch.setattr(exclusive_run, "acquire_lock", free)


def _adopts_anything(patch: Patch) -> None:
    def any_of(intent: Any, live: Any, taken: Any, read: Any = lambda each: each) -> Any:
        address = replace(intent.address, name=intent.expect or intent.address.name)
        found = (each for each in live if each.address == address and each.id not in taken)
        return CreationSearch(proven=tuple(read(each) for each in found if each.status != "deleted"))

    patch.setattr(recovery, "search_created", any_of)
    patch.setattr(writes, "search_created", any_of)


def _believes_any_intent(patch: Patch) -> None:
    patch.setattr(creation_evidence, "explain_doubt", lambda *_: "")


def _compares_no_fields(patch: Patch) -> None:
    patch.setattr(creation_evidence, "_explain_difference", lambda *_: "")


def _forgets_response_ids(patch: Patch) -> None:
    patch.setattr(context.ApplyContext, "record_created_id", lambda *_: None)


def _reads_dates_in_names(patch: Patch) -> None:
    patch.setattr(scope, "_is_kept", lambda entry, today: today < entry.address.name.partition("-until-")[2])


def edited_creation_cases(harness: Harness) -> list[FaultCase]:
    """Return a case in which somebody edits a new object before it is read back."""
    requests = run_without_faults(harness, CREATE).requests
    created = next(n for n, each in enumerate(requests, 1) if each["method"] == "POST")
    change = {"collection": "credentials", "name": "c-new", "change": {"config": {"username": "edited"}}}
    return [FaultCase(scenario=CREATE, faults=({"kind": "edit_before", "at": created + 1, "edit": change},))]


def dated_cases(harness: Harness) -> list[FaultCase]:
    """Return a case in which a resource with a date in its name is retired."""
    harness.prepare(DATED)  # Without the mistake, which would break the preparation.
    return [FaultCase(scenario=DATED)]


def _loses_outcomes(patch: Patch) -> None:
    patch.setattr(context.ApplyContext, "_enqueue_success", lambda *_: None)


def _forgets_intents(patch: Patch) -> None:
    patch.setattr(session, "_record_recovery", lambda *_: None)
    patch.setattr(
        "keyturn.operations.plan.plan.resolve_open_intents",
        lambda state, *_: recovery.Recovery(entries=state.entries),
    )


def _keeps_probes(patch: Patch) -> None:
    patch.setattr(rotate, "purge_probe", lambda intent, _, at, **__: at.record_success(intent))


def _no_rehearsal(patch: Patch) -> None:
    patch.setattr(rotate, "_test_with_probe", lambda *_: None)
    patch.setattr(rotate, "_test_in_place", lambda *_: None)


def _no_roll_back(patch: Patch) -> None:
    patch.setattr(rotate, "roll_back_secret", lambda *_: ("", True))


def _believes_absence(patch: Patch) -> None:
    patch.setattr("keyturn.operations.plan.plan.list_unconfirmed_objects", lambda _: ())


def _mere_names(patch: Patch) -> None:
    patch.setattr(lifecycle, "_read_full_content", lambda *_: None)


def _tries_old_places(patch: Patch) -> None:
    patch.setattr(connection_tests, "_is_written_after", lambda *_: False)


def _repoints_twice(patch: Patch) -> None:
    patch.setattr(rotate_replace, "_has_own_change", lambda *_: False)


def _goes_on_after_401(patch: Patch) -> None:
    patch.setattr(Client, "unauthorized", property(lambda _: False))


def _orders_sets(patch: Patch) -> None:
    for module in (connection, credential):
        patch.setattr(module, "mark_sets", lambda fields, _: dict(fields))


def _reads_back_once(patch: Patch) -> None:
    patch.setattr(read_back, "READ_BACK_DELAYS", (0.0,))


def _believes_conflicts(patch: Patch) -> None:
    patch.setattr(writes, "Conflict", ())


def doubled_cases(harness: Harness) -> list[FaultCase]:
    """Return cases in which a create arrives twice, answered by its first or its second response."""
    requests = run_without_faults(harness, CREATE).requests
    creates = [number for number, each in enumerate(requests, 1) if each["method"] == "POST"]
    return [
        FaultCase(scenario=CREATE, faults=({"kind": kind, "at": number},))
        for kind in ("double_first", "double_second")
        for number in creates
    ]


def _compares_times_as_text(patch: Patch) -> None:
    patch.setattr(resource, "normalize_timestamp", lambda text: text)


_LAGGING: Mapping[str, Any] = {"list_lag_seconds": 2.0}

BROKEN_ENGINES: tuple[BrokenEngine, ...] = (
    BrokenEngine("retries POST without look-up", _naive_retry, lost_response_cases(CREATE)),
    BrokenEngine("looks up once without waiting", _no_grace, lost_response_cases(CREATE, **_LAGGING)),
    BrokenEngine(
        "does not wait for objects of a killed run", _no_second_plan, crash_cases(CREATE, **_LAGGING)
    ),
    BrokenEngine("does not re-read before a write", _no_reread, note_cases),
    BrokenEngine(
        "does not read back after a write",
        _no_read_back,
        unapplied_cases(SCENARIOS["update"], -1),
    ),
    BrokenEngine("writes the intent after the request", _intent_afterwards, plain_case(CREATE)),
    BrokenEngine("restores without a full write", _restore_without_put, plain_case(SCENARIOS["restore"])),
    BrokenEngine(
        "trusts a truncated list",
        _believes_lists,
        plain_case(SCENARIOS["update"], unique_names=False),
    ),
    BrokenEngine(
        "sends a partial PUT to a replacing service",
        _partial_put,
        plain_case(SCENARIOS["update"], credential_put="replace"),
    ),
    BrokenEngine("loses outcomes", _loses_outcomes, plain_case(CREATE)),
    BrokenEngine("forgets open intents", _forgets_intents, crash_cases(CREATE)),
    BrokenEngine("leaves probes behind", _keeps_probes, plain_case(VERIFY)),
    BrokenEngine("rotates without a test", _no_rehearsal, plain_case(REFUSALS["refused rotate verify"])),
    BrokenEngine(
        "treats unlisted objects as retired",
        _believes_absence,
        crash_cases(REFUSALS["refused rotate replace"], list_lag_seconds=10.0),
    ),
    BrokenEngine(
        "renames with a partial body",
        _mere_names,
        plain_case(REPLACED, credential_put="whole"),
    ),
    BrokenEngine(
        "tests a new secret at the old destination", _tries_old_places, plain_case(MOVES["move verify"])
    ),
    BrokenEngine(
        "repoints connections with their own change",
        _repoints_twice,
        plain_case(MOVES["replace with other users"]),
    ),
    BrokenEngine("continues after 401", _goes_on_after_401, unapplied_cases(REPLACED, 7)),
    BrokenEngine(
        "compares sets in order", _orders_sets, plain_case(SETS, unordered_fields=["scopes", "topics"])
    ),
    BrokenEngine(
        "compares times as text",
        _compares_times_as_text,
        plain_case(SCENARIOS["update"], mixed_timestamps=True, precision="milliseconds"),
    ),
    BrokenEngine(
        "does not wait for the read after a write",
        _reads_back_once,
        plain_case(SCENARIOS["update"], read_lag_seconds=1.5),
    ),
    BrokenEngine("takes a conflict with its own create for a failure", _believes_conflicts, doubled_cases),
    BrokenEngine("forgets the ID of a response", _forgets_response_ids, edited_creation_cases),
    BrokenEngine("reads a date in a name", _reads_dates_in_names, dated_cases),
    BrokenEngine("does not roll back", _no_roll_back, plain_case(REFUSALS["refused rotate in_place"])),
)
"""The engines that the cases must detect. Those below have tests of their own."""

NO_LOCK, ADOPTS_ANYTHING = _no_lock, _adopts_anything
WITHOUT_EVIDENCE: Mapping[str, Callable[[Patch], None]] = {
    "believes any intent": _believes_any_intent,
    "compares no fields": _compares_no_fields,
    "adopts anything": _adopts_anything,
}
"""Engines that take over an object without evidence that they created it."""
