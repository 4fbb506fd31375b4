"""A state machine test: random sequences of commits, UI edits, faults, kills and applies."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from faults import harness as harness_module
from faults.fault_cases import LOST_RESPONSES, UI_EDITS, UNAPPLIED, Fault
from faults.git_model import NAMES, STRATEGIES, GitModel
from faults.harness import Harness, RunResult, unmanaged
from faults.in_process import TEST_PATH
from faults.invariants import OLD_GENERATION, PROBE, pairs
from faults.manifest_trees import ManifestTree
from faults.memory_store import CrashPoints
from faults.run_invariants import (
    SecretAuditor,
    Snapshot,
    check_outcomes,
    check_run,
    entries,
    find_mismatches,
    find_stale,
    has_open_intents,
    rows,
)
from faults.scenarios import CREATE, HOST
from keyturn.model.address import Address
from keyturn.model.change import Action
from keyturn.planning.inputs import Approvals
from planasonix_emulator.settings import change_settings
from planasonix_emulator.storage.records import StoredRecord
from planasonix_emulator.testing.faults import parse_faults

EVERYBODY = frozenset(name for names in NAMES.values() for name in names)
APPROVALS = Approvals(
    destinations=EVERYBODY, reuse=EVERYBODY, restore=EVERYBODY, retire=99, rotate=99, empty=True
)

SERVICES: Mapping[str, dict[str, Any]] = {
    "docs": {},
    "backend": {"dialect": "backend"},
    "jsonapi": {"dialect": "jsonapi"},
    "replaces": {"credential_put": "replace"},
    "merges": {"connection_put": "merge"},
    "wipes": {"credential_put": "wipe"},
    "masks": {"reply_secrets": "mask"},
    "leaks": {"reply_secrets": "leak"},
    "lists the deleted": {"list_deleted": True},
    "hides the deleted": {"deleted_get": 404},
    "accepts": {"create_status": 202, "update_status": 202, "delete_status": 204},
}
"""Settings of the service under which all invariants must hold."""


def _named(faults: tuple[Fault, ...]) -> dict[str, Fault]:
    words = ("kind", "status", "retry_after", "times", "path")
    return {" ".join(str(each[word]) for word in words if word in each): each for each in faults}


def _faults_at(fault_name: str, of: str, nth: int) -> list[Fault]:
    place = {"any": {"among": "writes"}, "test": {"path": TEST_PATH}}.get(
        of, {"among": "writes", "method": of}
    )
    return [{**place, "nth": nth, **FAULTS[fault_name]}] if fault_name != NONE else []


NONE = "none"
FAULTS: Mapping[str, Fault] = {NONE: {}, **_named((*LOST_RESPONSES, *UNAPPLIED, *UI_EDITS))}
"""Faults of a write, by name."""

UNEDITED = tuple(_named((*LOST_RESPONSES, *UNAPPLIED)))
"""Names of the faults without UI edits."""

LAGS = (0.0, 0.4, 2.0, 10.0)
"""Lags of lists, in seconds."""

KILL_POINTS = (
    NONE,
    "append",
    "append, torn",
    "append, done",
    "POST",
    "POST, done",
    "PUT",
    "PUT, done",
    "DELETE",
    "DELETE, done",
    "GET",
    "put state.json",
    "put state.json, done",
    "put lock.json, done",
)
"""Crash points of a run: before and after each side effect."""


class InvariantBroken(AssertionError):
    """An invariant does not hold; the message has a line for each."""


def raise_broken(broken: Iterable[str]) -> None:
    """Raise InvariantBroken if ``broken`` is not empty."""
    if lines := list(broken):
        raise InvariantBroken("\n".join(lines))


class CrashSelector(CrashPoints):
    """Kills the run at the ``nth`` crash point of one kind; calls ``rival`` at the first write."""

    def __init__(self, sort: str, nth: int, rival: Any = None) -> None:
        super().__init__()
        what, _, when = sort.partition(", ")
        self.what, self.done, self.nth, self.rival = what, when == "done", nth, rival

    def __call__(self, name: str) -> None:
        """Pass a crash point; raises ProcessKilled."""
        if name.startswith(self.what) and name.endswith(", done") is self.done:
            self.nth -= 1
            self.at = 0 if self.nth else len(self.passed) + 1
        super().__call__(name)
        if self.rival and name.startswith(("POST /api/c", "PUT")) and "test" not in name:
            rival, self.rival = self.rival, None
            rival()


class ApplyMachine(RuleBasedStateMachine):
    """Applies a model of the manifests; every rule checks the invariants."""

    harness: ClassVar[Harness]
    trees: ClassVar[int] = 0

    @initialize(service=st.sampled_from(tuple(SERVICES)), unique=st.booleans(), applied=st.booleans())
    def begin(self, service: str, unique: bool, applied: bool) -> None:
        """Start with unmanaged objects and manifests, applied or not."""
        harness = self.harness
        self.like = harness.prepare(CREATE).after
        harness.clear()
        harness.service.seed_objects(**unmanaged())
        harness.service.change_settings(unique_names=unique, **SERVICES[service])
        self.unique = unique
        self.people = rows(harness)
        self.git = GitModel(harness.mint, "source" if service == "backend" else "")
        self.rotations = 0
        self.revived: set[str] = set()
        self.doubted: set[str] = set()
        self.touched: set[str] = set()
        self.secret_auditor = harness.on_request = SecretAuditor(harness)
        for name in NAMES["credential"][:2]:
            self.git.credential(name, "p", "x")
        for name in NAMES["connection"][:2]:
            self.git.connection(name, "p", Address("credential", "c-a"))
        if applied:
            self.go()

    # Git ---------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES["credential"]), user=st.sampled_from("pq"), secret=st.sampled_from("xy"),
          strategy=st.sampled_from(STRATEGIES))  # fmt: skip
    def credential(self, name: str, user: str, secret: str, strategy: str) -> None:
        """Write a new or changed credential."""
        self.git.credential(name, user, secret, strategy)

    @precondition(lambda self: self.git.named("credential"))
    @rule(name=st.sampled_from(NAMES["connection"]), base=st.sampled_from("pq"), data=st.data())
    def connection(self, name: str, base: str, data: Any) -> None:
        """Write a connection that uses a credential."""
        uses = data.draw(st.sampled_from(self.git.named("credential")), "uses")
        self.git.connection(name, base, uses)

    @precondition(lambda self: self.git.now)
    @rule(data=st.data())
    def remove(self, data: Any) -> None:
        """Remove a manifest and those that refer to it."""
        self.git.remove(data.draw(st.sampled_from(sorted(self.git.now)), "which"))

    @precondition(lambda self: self.git.gone)
    @rule(data=st.data(), new_secret=st.booleans())
    def bring_back(self, data: Any, new_secret: bool) -> None:
        """Write a removed manifest again, with the same or another secret."""
        which = data.draw(st.sampled_from(sorted(self.git.gone)), "which")
        self.git.bring_back(which)
        if new_secret and which.kind == "credential":
            self._turn(which)

    @precondition(lambda self: self.git.now)
    @rule(data=st.data())
    def rename(self, data: Any) -> None:
        """Rename a manifest with ``moved_from``."""
        which = data.draw(st.sampled_from(sorted(self.git.now)), "which")
        if free := self.git.free(which.kind):
            self.git.rename(which, data.draw(st.sampled_from(free), "to"), entries(self.harness))

    @precondition(lambda self: self.git.now)
    @rule(data=st.data(), protect=st.booleans())
    def protect(self, data: Any, protect: bool) -> None:
        """Set or clear ``protect``."""
        which = data.draw(st.sampled_from(sorted(self.git.now)), "which")
        self.git.protect(which, protect=protect)

    @precondition(lambda self: self._applied())
    @rule(data=st.data())
    def keep(self, data: Any) -> None:
        """Let a credential keep its live secret, as an import writes it."""
        self.git.keep(data.draw(st.sampled_from(self._applied()), "which"))

    def _applied(self) -> list[Address]:
        known = entries(self.harness)
        found = (each for each in self.git.named("credential") if each in known)
        return [each for each in found if known[each].digest and not known[each].retired_at]

    def _in_use(self) -> list[Address]:
        used = {leaf for each in self.git.now.values() for leaf in each.fields.values()}
        return [each for each in self._applied() if each in used]

    def _turn(self, which: Address) -> None:
        self.rotations += 1
        self.git.set_secret_label(which, f"turn {self.rotations}")

    # UI edits ----------------------------------------------------------------------------------------

    @rule(deed=st.sampled_from(("edit", "rename", "trash", "purge", "revive")), data=st.data())
    def meddle(self, deed: str, data: Any) -> None:
        """Edit a managed object in the UI."""
        ours = [each for one, each in rows(self.harness).items() if one not in self.people]
        credentials = [each for each in ours if each.collection == "credentials"]
        fit = {
            "revive": [each for each in credentials if not each.is_active and self._nameless(each.name)],
            "purge": credentials,
        }.get(deed, [each for each in ours if each.is_active])
        if fit:
            names = {f"{each.collection} {each.name}": each for each in fit}
            self._do(deed, names[data.draw(st.sampled_from(sorted(names)), "which")])

    def _nameless(self, name: str) -> bool:
        return not any(each.is_active and each.name == name for each in rows(self.harness).values())

    def _do(self, deed: str, which: StoredRecord) -> None:
        service, identity = self.harness.service, which.id
        self.touched.add(which.name)
        if deed == "edit":
            field = "username" if which.collection == "credentials" else "database"
            service.perform_ui_action("edit", id=identity, change={"config": {field: "edited"}})
        elif deed == "rename":
            service.perform_ui_action("edit", id=identity, change={"name": f"{which.name}-by-hand"})
        elif deed == "revive":
            service.perform_ui_action("restore", id=identity)
            self.revived.add(identity)
        else:
            service.perform_ui_action(deed, id=identity)

    # Runs --------------------------------------------------------------------------------------------

    @rule(
        fault_name=st.one_of(st.just(NONE), st.sampled_from(tuple(FAULTS))),
        of=st.sampled_from(("any", "POST", "PUT", "DELETE")),
        nth=st.integers(1, 4),
        kill_point=st.one_of(st.just(NONE), st.sampled_from(KILL_POINTS)),
        kill_number=st.integers(1, 6),
        lag=st.sampled_from(LAGS),
    )
    def apply(
        self, *, fault_name: str, of: str, nth: int, kill_point: str, kill_number: int, lag: float
    ) -> None:
        """Apply with a fault at the nth write and a kill; apply again after a kill."""
        self._lag(lag)
        self.harness.memory.torn_append = kill_point == "append, torn"
        result = self.go(
            *_faults_at(fault_name, of, nth),
            crash_points=CrashSelector(kill_point, kill_number),
            unedited="edit" not in fault_name,
        )
        self.harness.memory.torn_append = False
        if result.was_killed:
            self.go()

    @rule(pause=st.sampled_from((1.0, 60.0)), lag=st.sampled_from(LAGS))
    def calm(self, pause: float, lag: float) -> None:
        """Apply later, without faults."""
        self.harness.clock.advance(pause)
        self._lag(lag)
        self.go()

    def _lag(self, seconds: float) -> None:
        settings = self.harness.service.deployment.settings
        self.harness.service.deployment.settings = change_settings(settings, {"list_lag_seconds": seconds})

    @rule(lag=st.sampled_from(LAGS))
    def rival(self, lag: float) -> None:
        """A second apply starts at the first write and must not write."""
        self._lag(lag)
        tree, results = self.tree(), []

        def rival() -> None:
            crash_points, live_holders = (
                self.harness.memory.crash_points,
                self.harness.memory.live_holders.copy(),
            )
            results.append(self.harness.apply(tree, APPROVALS))
            self.harness.memory.crash_points = crash_points
            self.harness.memory.live_holders |= live_holders

        self.go(crash_points=CrashSelector(NONE, 1, rival))
        raise_broken(f"I1: a rival wrote {each.write_count} times" for each in results if each.write_count)

    @rule(data=st.data())
    def note_cases(self, data: Any) -> None:
        """An unmanaged field is added between plan and write and must stay."""
        ours = [
            each
            for one, each in rows(self.harness).items()
            if one not in self.people and each.is_active and each.collection == "connections"
        ]
        if not ours:
            return
        which = data.draw(st.sampled_from([each.name for each in ours]), "which")
        chosen = next(each for each in ours if each.name == which)
        change, note_cases = {"config": {"schema": "kept"}}, []
        with self._agreeing(
            lambda: note_cases.append(
                self.harness.service.perform_ui_action("edit", id=chosen.id, change=change)
            )
        ):
            self.go(unedited=False)
        now = rows(self.harness).get(chosen.id)
        if note_cases and now and now.is_active and now.plain_config().get("schema") != "kept":
            raise_broken([f"I4: the unmanaged field of {which} is gone"])

    @contextmanager
    def _agreeing(self, deed: Any) -> Iterator[None]:
        agree = harness_module._agree

        def agreeing(planned: Any) -> bool:
            agreed = agree(planned)
            deed()
            return agreed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(harness_module, "_agree", agreeing)
            yield

    @precondition(lambda self: not self.unique)
    @rule(fault_name=st.sampled_from(tuple(_named(LOST_RESPONSES))), lag=st.sampled_from((4.0, 0.0)))
    def take_name(self, fault_name: str, lag: float) -> None:
        """A name that is about to be created is taken in the UI, lists lag, and the response is lost."""
        fresh = [
            name for name in NAMES["credential"] if Address("credential", name) not in entries(self.harness)
        ]
        if not fresh or has_open_intents(self.harness):
            # An object with the name of an interrupted create, created later, counts as created by it.
            return
        if Address("credential", fresh[0]) not in self.git.now:
            self.git.credential(fresh[0], "p", "x")
        self.harness.clock.advance(60.0)
        self._lag(lag)
        identity = f"cred_{self.rotations}_ui"
        self.rotations += 1
        config = {**HOST, "engine": "postgresql", "username": "person"}
        self.harness.service.seed_objects(
            credentials=[{"id": identity, "name": fresh[0], "type": "database", "config": config}]
        )
        self.people[identity] = rows(self.harness)[identity]
        self.harness.clock.advance(3.0)
        self.go({**FAULTS[fault_name], "method": "POST", "path": "/api/credentials"})
        del self.people[identity]
        self.harness.service.perform_ui_action("purge", id=identity)

    @rule(data=st.data(), fault_name=st.one_of(st.just(NONE), st.sampled_from(UNEDITED)),
          nth=st.integers(1, 4), kill_point=st.sampled_from(KILL_POINTS),
          kill_number=st.integers(1, 4))  # fmt: skip
    def mistake(self, data: Any, fault_name: str, nth: int, kill_point: str, kill_number: int) -> None:
        """A secret that the target rejects is committed, applied twice, and reverted."""
        fit = [one for one in self._in_use() if self._careful(one)]
        if not fit:
            return
        which = data.draw(st.sampled_from(fit), "which")
        before = self.git.now[which]
        self._turn(which)
        (bad,) = (value.reveal() for value in self.git.now[which].secrets.values())
        good = sorted(set(self.harness.secrets_by_label.values()) - {bad})
        self.harness.service.set_targets([{"type": "postgres", "match": HOST, "accepts": {"password": good}}])
        self.secret_auditor.bad = {bad}
        self.go(*_faults_at(fault_name, "any", nth), crash_points=CrashSelector(kill_point, kill_number))
        self.go()
        self.harness.service.set_targets([])
        self.secret_auditor.bad = set()
        self.git.put(before)

    def _careful(self, address: Address) -> bool:
        desired, known = self.git.now[address], entries(self.harness)[address]
        return (
            desired.lifecycle.strategy != "in_place"
            and known.digest == desired.digest
            and not desired.kept_secrets
        )

    @rule(data=st.data(), strategy=st.sampled_from(STRATEGIES),
          fault_name=st.one_of(st.just(NONE), st.sampled_from(UNEDITED)),
          of=st.sampled_from(("any", "test")), nth=st.integers(1, 4))  # fmt: skip
    def rotate(self, *, data: Any, strategy: str, fault_name: str, of: str, nth: int) -> None:
        """A credential in use gets a new secret; a write or test has a fault."""
        if fit := self._in_use():
            which = data.draw(st.sampled_from(fit), "which")
            self.git.strategy(which, strategy)
            self._turn(which)
            self.go(*_faults_at(fault_name, of, nth))

    @precondition(lambda self: self._applied())
    @rule(fault_name=st.sampled_from(tuple(FAULTS)), nth=st.integers(1, 4),
          kill_point=st.sampled_from(KILL_POINTS), kill_number=st.integers(1, 4),
          strategy=st.sampled_from((NONE, *STRATEGIES)))  # fmt: skip
    def rewrite(self, *, fault_name: str, nth: int, kill_point: str, kill_number: int, strategy: str) -> None:
        """Every manifest changes, one secret may change, and a write has a fault."""
        self.rotations += 1
        if strategy != NONE and (used := self._in_use()):
            self.git.strategy(used[0], strategy)
            self._turn(used[0])
        for address in list(self.git.now):
            self.git.reword(address, f"w{self.rotations}")
        self._lag(0.0)
        result = self.go(
            *_faults_at(fault_name, "any", nth),
            crash_points=CrashSelector(kill_point, kill_number),
            unedited="edit" not in fault_name,
        )
        if result.was_killed:
            self.go()

    @rule()
    def days(self) -> None:
        """The grace period of old credentials ends."""
        self.harness.clock.advance(9 * 86_400.0)
        self.go()

    @rule()
    def heal(self) -> None:
        """Without faults, two runs reach the manifests."""
        self._settle_git()
        self._lag(0.0)
        for _ in range(2):
            self.harness.clock.advance(60.0)
            self.go()
        tree = self.tree()
        plan = self.harness.plan(tree).plan
        raise_broken(
            f"I6: still to {each.action.value} {each.address}: {each.reason}"
            for each in plan.changes
            if each.action is not Action.NO_OP or each.address.name not in self.touched
        )
        raise_broken(f"I7: {each.code}: {each.message}" for each in plan.blocking_diagnostics)
        raise_broken(self._settled(tree))

    def teardown(self) -> None:
        """Heal at the end."""
        if hasattr(self, "git"):
            self.heal()

    def _settle_git(self) -> None:
        self._relent()
        for address in self.git.named("credential"):
            if self.git.now[address].kept_secrets or address.name in self.doubted:
                self._turn(address)
        self.doubted.clear()

    def _relent(self) -> None:
        claimed = {(each.address.kind, each.lifecycle.moved_from) for each in self.git.now.values()}
        for address, entry in entries(self.harness).items():
            held = entry.protect and not entry.retired_at and address not in self.git.now
            if held and (address.kind, address.name) not in claimed:
                self.git.relent(address)

    def _settled(self, tree: ManifestTree) -> Iterator[str]:
        ours = [each for one, each in rows(self.harness).items() if each.is_active and one not in self.people]
        for desired in tree.desired:
            yield from find_mismatches(self.harness, desired, ours)
        yield from pairs(self.harness, self.git.ever)
        today = datetime.fromtimestamp(self.harness.clock.wall(), UTC).date().isoformat()
        names = {(each.address.kind, each.address.name) for each in tree.desired}
        for each in ours:
            if (each.collection.removesuffix("s"), each.name) in names or each.id in self.revived:
                continue
            if today >= (each.name.partition(OLD_GENERATION)[2] or today):
                yield f"I2: {each.name} is left over"
        yield from (
            f"I5: {each.name} is left" for each in rows(self.harness).values() if each.name.startswith(PROBE)
        )

    def tree(self) -> ManifestTree:
        """Return the current manifests as a tree."""
        ApplyMachine.trees += 1
        return self.harness.manifest_cache.add_tree(
            self.like, ApplyMachine.trees, tuple(self.git.now.values())
        )

    def go(
        self,
        *faults: Fault,
        crash_points: CrashPoints | None = None,
        tree: ManifestTree | None = None,
        unedited: bool = True,
    ) -> RunResult:
        """Apply the manifests and check the invariants of a run."""
        harness, tree = self.harness, tree or self.tree()
        harness.service.app.faults.replace_faults(parse_faults(list(faults)))
        before = Snapshot.of(harness)
        self.secret_auditor.begin(tree)
        result = harness.apply(tree, APPROVALS, crash_points)
        harness.service.app.faults.replace_faults(())
        if result.report:
            self.doubted |= {
                each.address.name
                for each in result.report.outcomes
                if any("no sign" in one for one in each.warnings)
            }
        broken = [*check_run(harness, result, before, tree, self.people), *self.secret_auditor.broken]
        if unedited:
            broken += check_outcomes(harness, result, tree, self.people)
        if unedited and not faults and not harness.service.deployment.settings.list_lag_seconds:
            broken += find_stale(result, tree)
        raise_broken(broken)
        self._relent()
        return result
