"""Engines that are wrong on purpose, each by one mistake, and where that mistake shows.

They are the test of the tests: the campaign has to catch every one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from faults.campaign import LOST, REFUSED, Case, singles, smooth
from faults.rig import Rig
from faults.scenes import CREATE, MOVES, REFUSALS, REPLACED, SCENES, VERIFY, Scene
from keyturn.client.client import Client
from keyturn.client.pagination import ListReader
from keyturn.operations import exclusive_run, observe
from keyturn.operations.apply import (
    connection_tests,
    context,
    executor,
    lifecycle,
    rotate,
    rotate_replace,
    session,
    writes,
)
from keyturn.operations.plan import recovery
from keyturn.state import lock
from keyturn.state.journal import Journal

Patch = pytest.MonkeyPatch
Cases = Callable[[Rig], list[Case]]


@dataclass(frozen=True, slots=True)
class Engine:
    """A mistake (``make`` puts it in place) and the cases that must show it."""

    name: str
    make: Callable[[Patch], None]
    cases: Cases


def lost(scene: Scene, **settings: Any) -> Cases:
    """Return the cases in which an answer is lost, names not being unique."""
    return lambda rig: [
        Case(scene=scene, faults=(fault,), settings={"unique_names": False, **settings})
        for fault in singles(len(smooth(rig, scene).requests), LOST[:1])
    ]


def refused(scene: Scene, kind: int) -> Cases:
    """Return the cases in which one kind of refusal meets each request."""
    return lambda rig: [
        Case(scene=scene, faults=(fault,))
        for fault in singles(len(smooth(rig, scene).requests), REFUSED[kind : kind + 1])
    ]


def deaths(scene: Scene, **settings: Any) -> Cases:
    """Return a death at each door."""
    return lambda rig: [
        Case(scene=scene, at=number, settings={"unique_names": False, **settings})
        for number in range(1, len(smooth(rig, scene).doors) + 1)
    ]


def quiet(scene: Scene, **settings: Any) -> Cases:
    """Return the one case without trouble."""
    return lambda _: [Case(scene=scene, settings=settings)]


def noted(rig: Rig) -> list[Case]:
    """Return the cases in which somebody adds a setting of their own until just before we read again."""
    scene = SCENES["update"]
    requests = smooth(rig, scene).requests
    last = max(n for n, each in enumerate(requests, 1) if each["method"] == "PUT")
    change = {"collection": "connections", "name": "n-up", "change": {"config": {"note": "kept"}}}
    return [
        Case(scene=scene, faults=({"kind": "edit_before", "at": number, "edit": change},), keeps="n-up")
        for number in range(1, last)
    ]


def _naive_retry(patch: Patch) -> None:
    patch.setattr(writes, "find_created", lambda *_: ())


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
    def any_of(intent: Any, live: Any, taken: Any) -> Any:
        return tuple(each for each in live if each.address == intent.address and each.id not in taken)

    patch.setattr(recovery, "matching_creates", any_of)
    patch.setattr(writes, "matching_creates", any_of)


def _loses_outcomes(patch: Patch) -> None:
    patch.setattr(context.ApplyContext, "_enqueue_success", lambda *_: None)


def _forgets_intents(patch: Patch) -> None:
    patch.setattr(session, "_record_recovery", lambda *_: None)
    patch.setattr(
        "keyturn.operations.plan.plan.resolve_open_intents",
        lambda state, _: recovery.Recovery(entries=state.entries),
    )


def _keeps_probes(patch: Patch) -> None:
    patch.setattr(rotate, "purge_probe", lambda intent, _, at, **__: at.record_success(intent))


def _no_rehearsal(patch: Patch) -> None:
    patch.setattr(rotate, "_test_with_probe", lambda *_: None)
    patch.setattr(rotate, "_test_in_place", lambda *_: None)


def _no_roll_back(patch: Patch) -> None:
    patch.setattr(rotate, "roll_back_secret", lambda *_: ("", True))


def _believes_absence(patch: Patch) -> None:
    patch.setattr("keyturn.operations.plan.plan.list_uncertain_retirements", lambda _: ())


def _mere_names(patch: Patch) -> None:
    patch.setattr(lifecycle, "_read_full_content", lambda *_: None)


def _tries_old_places(patch: Patch) -> None:
    patch.setattr(connection_tests, "_is_written_after", lambda *_: False)


def _repoints_twice(patch: Patch) -> None:
    patch.setattr(rotate_replace, "_has_own_change", lambda *_: False)


def _goes_on_after_401(patch: Patch) -> None:
    patch.setattr(Client, "unauthorized", property(lambda _: False))


_LAGGING: Mapping[str, Any] = {"list_lag_seconds": 2.0}

ENGINES: tuple[Engine, ...] = (
    Engine("repeats a POST without a look", _naive_retry, lost(CREATE)),
    Engine("looks once and does not wait", _no_grace, lost(CREATE, **_LAGGING)),
    Engine("does not wait for what a dead run made", _no_second_plan, deaths(CREATE, **_LAGGING)),
    Engine("does not read again before a write", _no_reread, noted),
    Engine("does not read back after a write", _no_read_back, refused(SCENES["update"], len(REFUSED) - 1)),
    Engine("writes its intent after the request", _intent_afterwards, quiet(CREATE)),
    Engine("restores without writing", _restore_without_put, quiet(SCENES["restore"])),
    Engine("believes a truncated list", _believes_lists, quiet(SCENES["update"], unique_names=False)),
    Engine(
        "writes a part to a service that replaces",
        _partial_put,
        quiet(SCENES["update"], credential_put="replace"),
    ),
    Engine("loses outcomes", _loses_outcomes, quiet(CREATE)),
    Engine("forgets open intents", _forgets_intents, deaths(CREATE)),
    Engine("leaves its probes behind", _keeps_probes, quiet(VERIFY)),
    Engine("rotates without a rehearsal", _no_rehearsal, quiet(REFUSALS["refused rotate verify"])),
    Engine(
        "takes what a list does not show for retired",
        _believes_absence,
        deaths(REFUSALS["refused rotate replace"], list_lag_seconds=10.0),
    ),
    Engine(
        "sends a mere name to a service that takes wholes",
        _mere_names,
        quiet(REPLACED, credential_put="whole"),
    ),
    Engine("tries a new secret at the old place", _tries_old_places, quiet(MOVES["move verify"])),
    Engine("repoints what is written anyway", _repoints_twice, quiet(MOVES["replace in a crowd"])),
    Engine("goes on after the key was refused", _goes_on_after_401, refused(REPLACED, 7)),
    Engine("does not roll back", _no_roll_back, quiet(REFUSALS["refused rotate in_place"])),
)
"""Those that a case of the campaign must show. Locks and strangers have scenes of their own, in the tests."""

NO_LOCK, ADOPTS_ANYTHING = _no_lock, _adopts_anything
