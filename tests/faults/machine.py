"""A machine that does anything in any order: git, people, faults, deaths and applies, against a model."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from faults import rig as rigging
from faults.campaign import EDITS, LOST, REFUSED, Fault
from faults.invariants import PROBE, pairs
from faults.memory import Doors
from faults.model import NAMES, STRATEGIES, Git
from faults.rig import Act, Rig, unmanaged
from faults.scenes import CREATE, HOST
from faults.standing import Before, Watchman, amiss, entries, kept_word, rows, stale, standing, unsettled
from faults.straight import TEST
from faults.trees import Tree
from keyturn.model.address import Address
from keyturn.model.change import Action
from keyturn.planning.inputs import Approvals
from keyturn.planning.scope import RETIRES_ON_INFIX
from planasonix_emulator.settings import change_settings
from planasonix_emulator.storage.records import StoredRecord
from planasonix_emulator.testing.faults import parse_faults

EVERYBODY = frozenset(name for names in NAMES.values() for name in names)
CONSENTS = Approvals(
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
"""Deployments on which all this has to hold."""


def _named(faults: tuple[Fault, ...]) -> dict[str, Fault]:
    words = ("kind", "status", "retry_after", "times", "path")
    return {" ".join(str(each[word]) for word in words if word in each): each for each in faults}


def _met(trouble: str, of: str, nth: int) -> list[Fault]:
    place = {"any": {"among": "writes"}, "test": {"path": TEST}}.get(of, {"among": "writes", "method": of})
    return [{**place, "nth": nth, **TROUBLES[trouble]}] if trouble != NONE else []


NONE = "none"
TROUBLES: Mapping[str, Fault] = {NONE: {}, **_named((*LOST, *REFUSED, *EDITS))}
"""What may meet a write, by name."""

LAGS = (0.0, 0.4, 2.0, 10.0)
"""Seconds by which lists lag behind."""

DEATHS = (
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
"""Where a run may die: before and after what it does to the world."""


class Broken(AssertionError):  # noqa: N818
    """Raised where an invariant does not hold, a line for each."""


def fine(broken: Iterable[str]) -> None:
    """Raise Broken with what is broken, if anything is."""
    if lines := list(broken):
        raise Broken("\n".join(lines))


class Snare(Doors):
    """Doors of which the ``nth`` of one sort is the last; at the first write a rival may come in."""

    def __init__(self, sort: str, nth: int, rival: Any = None) -> None:
        super().__init__()
        what, _, when = sort.partition(", ")
        self.what, self.done, self.nth, self.rival = what, when == "done", nth, rival

    def __call__(self, name: str) -> None:
        """Pass a door, or die."""
        if name.startswith(self.what) and name.endswith(", done") is self.done:
            self.nth -= 1
            self.at = 0 if self.nth else len(self.passed) + 1
        super().__call__(name)
        if self.rival and name.startswith(("POST /api/c", "PUT")) and "test" not in name:
            rival, self.rival = self.rival, None
            rival()


class Machine(RuleBasedStateMachine):
    """The model is what git says; the rest is the world's business."""

    rig: ClassVar[Rig]
    trees: ClassVar[int] = 0

    @initialize(service=st.sampled_from(tuple(SERVICES)), unique=st.booleans(), applied=st.booleans())
    def begin(self, service: str, unique: bool, applied: bool) -> None:
        """Start with what people made, and manifests, applied or not."""
        rig = self.rig
        self.like = rig.stage_of(CREATE).after
        rig.clear()
        rig.service.seed_objects(**unmanaged())
        rig.service.change_settings(unique_names=unique, **SERVICES[service])
        self.unique = unique
        self.people = rows(rig)
        self.git = Git(rig.mint, "source" if service == "backend" else "")
        self.turns = 0
        self.revived: set[str] = set()
        self.doubted: set[str] = set()
        self.touched: set[str] = set()
        self.watchman = rig.on_request = Watchman(rig)
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
        """Write a credential, new or changed."""
        self.git.credential(name, user, secret, strategy)

    @precondition(lambda self: self.git.named("credential"))
    @rule(name=st.sampled_from(NAMES["connection"]), base=st.sampled_from("pq"), data=st.data())
    def connection(self, name: str, base: str, data: Any) -> None:
        """Write a connection that uses one of the credentials."""
        uses = data.draw(st.sampled_from(self.git.named("credential")), "uses")
        self.git.connection(name, base, uses)

    @precondition(lambda self: self.git.now)
    @rule(data=st.data())
    def remove(self, data: Any) -> None:
        """Remove a manifest, and those that refer to it."""
        self.git.remove(data.draw(st.sampled_from(sorted(self.git.now)), "which"))

    @precondition(lambda self: self.git.gone)
    @rule(data=st.data(), anew=st.booleans())
    def bring_back(self, data: Any, anew: bool) -> None:
        """Write a removed manifest again, with the secret of then or another."""
        which = data.draw(st.sampled_from(sorted(self.git.gone)), "which")
        self.git.bring_back(which)
        if anew and which.kind == "credential":
            self._turn(which)

    @precondition(lambda self: self.git.now)
    @rule(data=st.data())
    def rename(self, data: Any) -> None:
        """Give a manifest another name, with ``moved_from``."""
        which = data.draw(st.sampled_from(sorted(self.git.now)), "which")
        if free := self.git.free(which.kind):
            self.git.rename(which, data.draw(st.sampled_from(free), "to"), entries(self.rig))

    @precondition(lambda self: self.git.now)
    @rule(data=st.data(), protect=st.booleans())
    def protect(self, data: Any, protect: bool) -> None:
        """Say that a resource must not go, or may."""
        which = data.draw(st.sampled_from(sorted(self.git.now)), "which")
        self.git.protect(which, protect=protect)

    @precondition(lambda self: self._applied())
    @rule(data=st.data())
    def keep(self, data: Any) -> None:
        """Let a credential keep the secret that is live, as an import writes it."""
        self.git.keep(data.draw(st.sampled_from(self._applied()), "which"))

    def _applied(self) -> list[Address]:
        known = entries(self.rig)
        found = (each for each in self.git.named("credential") if each in known)
        return [each for each in found if known[each].digest and not known[each].retired_at]

    def _in_use(self) -> list[Address]:
        used = {leaf for each in self.git.now.values() for leaf in each.fields.values()}
        return [each for each in self._applied() if each in used]

    def _turn(self, which: Address) -> None:
        self.turns += 1
        self.git.turned(which, f"turn {self.turns}")

    # People ------------------------------------------------------------------------------------------

    @rule(deed=st.sampled_from(("edit", "rename", "trash", "purge", "revive")), data=st.data())
    def meddle(self, deed: str, data: Any) -> None:
        """Somebody does something to one of our objects in the UI."""
        ours = [each for one, each in rows(self.rig).items() if one not in self.people]
        credentials = [each for each in ours if each.collection == "credentials"]
        fit = {
            "revive": [each for each in credentials if not each.is_active and self._nameless(each.name)],
            "purge": credentials,
        }.get(deed, [each for each in ours if each.is_active])
        if fit:
            names = {f"{each.collection} {each.name}": each for each in fit}
            self._do(deed, names[data.draw(st.sampled_from(sorted(names)), "which")])

    def _nameless(self, name: str) -> bool:
        return not any(each.is_active and each.name == name for each in rows(self.rig).values())

    def _do(self, deed: str, which: StoredRecord) -> None:
        service, identity = self.rig.service, which.id
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
        trouble=st.one_of(st.just(NONE), st.sampled_from(tuple(TROUBLES))),
        of=st.sampled_from(("any", "POST", "PUT", "DELETE")),
        nth=st.integers(1, 4),
        dies=st.one_of(st.just(NONE), st.sampled_from(DEATHS)),
        there=st.integers(1, 6),
        lag=st.sampled_from(LAGS),
    )
    def apply(self, *, trouble: str, of: str, nth: int, dies: str, there: int, lag: float) -> None:
        """Apply at once; the nth write of a sort meets trouble, the run dies at a door, another follows."""
        self._lag(lag)
        self.rig.memory.tears = dies == "append, torn"
        act = self.go(*_met(trouble, of, nth), doors=Snare(dies, there), alone="edit" not in trouble)
        self.rig.memory.tears = False
        if act.killed:
            self.go()

    @rule(pause=st.sampled_from((1.0, 60.0)), lag=st.sampled_from(LAGS))
    def calm(self, pause: float, lag: float) -> None:
        """Apply without any trouble, a while later."""
        self.rig.hour.pass_by(pause)
        self._lag(lag)
        self.go()

    def _lag(self, seconds: float) -> None:
        settings = self.rig.service.deployment.settings
        self.rig.service.deployment.settings = change_settings(settings, {"list_lag_seconds": seconds})

    @rule(lag=st.sampled_from(LAGS))
    def rival(self, lag: float) -> None:
        """At the first write another apply begins; it is told who holds the lock."""
        self._lag(lag)
        tree, told = self.tree(), []

        def rival() -> None:
            doors, living = self.rig.memory.doors, self.rig.memory.living.copy()
            told.append(self.rig.apply(tree, CONSENTS))
            self.rig.memory.doors = doors
            self.rig.memory.living |= living

        self.go(doors=Snare(NONE, 1, rival))
        fine(f"I1: a rival wrote {each.writes} times" for each in told if each.writes)

    @rule(data=st.data())
    def noted(self, data: Any) -> None:
        """Between plan and write somebody adds a setting of their own, which stays."""
        ours = [
            each
            for one, each in rows(self.rig).items()
            if one not in self.people and each.is_active and each.collection == "connections"
        ]
        if not ours:
            return
        which = data.draw(st.sampled_from([each.name for each in ours]), "which")
        chosen = next(each for each in ours if each.name == which)
        change, noted = {"config": {"schema": "kept"}}, []
        with self._agreeing(
            lambda: noted.append(self.rig.service.perform_ui_action("edit", id=chosen.id, change=change))
        ):
            self.go(alone=False)
        now = rows(self.rig).get(chosen.id)
        if noted and now and now.is_active and now.plain_config().get("schema") != "kept":
            fine([f"I4: what somebody added to {which} is gone"])

    @contextmanager
    def _agreeing(self, deed: Any) -> Iterator[None]:
        agree = rigging._agree

        def agreeing(planned: Any) -> bool:
            agreed = agree(planned)
            deed()
            return agreed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rigging, "_agree", agreeing)
            yield

    @precondition(lambda self: not self.unique)
    @rule(trouble=st.sampled_from(tuple(_named(LOST))), lag=st.sampled_from((4.0, 0.0)))
    def stranger(self, trouble: str, lag: float) -> None:
        """Somebody makes the name that we are about to make, lists do not show it, our answer is lost."""
        fresh = [name for name in NAMES["credential"] if Address("credential", name) not in entries(self.rig)]
        if not fresh or unsettled(self.rig):
            # What bears the name of a create that was cut off, and is younger, passes for our own.
            return
        if Address("credential", fresh[0]) not in self.git.now:
            self.git.credential(fresh[0], "p", "x")
        self.rig.hour.pass_by(60.0)
        self._lag(lag)
        identity = f"cred_{self.turns}_ui"
        self.turns += 1
        config = {**HOST, "engine": "postgresql", "username": "person"}
        self.rig.service.seed_objects(
            credentials=[{"id": identity, "name": fresh[0], "type": "database", "config": config}]
        )
        self.people[identity] = rows(self.rig)[identity]
        self.rig.hour.pass_by(3.0)
        self.go({**TROUBLES[trouble], "method": "POST", "path": "/api/credentials"})
        del self.people[identity]
        self.rig.service.perform_ui_action("purge", id=identity)

    @rule(data=st.data(), trouble=st.one_of(st.just(NONE), st.sampled_from(tuple(_named((*LOST, *REFUSED))))),
          nth=st.integers(1, 4), dies=st.sampled_from(DEATHS), there=st.integers(1, 4))  # fmt: skip
    def mistake(self, data: Any, trouble: str, nth: int, dies: str, there: int) -> None:
        """A secret that the target refuses is written to git, applied twice, and taken back."""
        fit = [one for one in self._in_use() if self._careful(one)]
        if not fit:
            return
        which = data.draw(st.sampled_from(fit), "which")
        before = self.git.now[which]
        self._turn(which)
        (bad,) = (value.reveal() for value in self.git.now[which].secrets.values())
        good = sorted(set(self.rig.minted.values()) - {bad})
        self.rig.service.set_targets([{"type": "postgres", "match": HOST, "accepts": {"password": good}}])
        self.watchman.bad = {bad}
        self.go(*_met(trouble, "any", nth), doors=Snare(dies, there))
        self.go()
        self.rig.service.set_targets([])
        self.watchman.bad = set()
        self.git.put(before)

    def _careful(self, address: Address) -> bool:
        desired, known = self.git.now[address], entries(self.rig)[address]
        return (
            desired.lifecycle.strategy != "in_place"
            and known.digest == desired.digest
            and not desired.kept_secrets
        )

    @rule(data=st.data(), strategy=st.sampled_from(STRATEGIES),
          trouble=st.one_of(st.just(NONE), st.sampled_from(tuple(_named((*LOST, *REFUSED))))),
          of=st.sampled_from(("any", "test")), nth=st.integers(1, 4))  # fmt: skip
    def rotate(self, *, data: Any, strategy: str, trouble: str, of: str, nth: int) -> None:
        """A credential in use gets another secret, which the target knows; a write or test meets trouble."""
        if fit := self._in_use():
            which = data.draw(st.sampled_from(fit), "which")
            self.git.strategy(which, strategy)
            self._turn(which)
            self.go(*_met(trouble, of, nth))

    @precondition(lambda self: self._applied())
    @rule(trouble=st.sampled_from(tuple(TROUBLES)), nth=st.integers(1, 4), dies=st.sampled_from(DEATHS),
          there=st.integers(1, 4), strategy=st.sampled_from((NONE, *STRATEGIES)))  # fmt: skip
    def rewrite(self, *, trouble: str, nth: int, dies: str, there: int, strategy: str) -> None:
        """Every manifest says something else, one secret turns perhaps, and a write meets trouble."""
        self.turns += 1
        if strategy != NONE and (used := self._in_use()):
            self.git.strategy(used[0], strategy)
            self._turn(used[0])
        for address in list(self.git.now):
            self.git.reword(address, f"w{self.turns}")
        self._lag(0.0)
        act = self.go(*_met(trouble, "any", nth), doors=Snare(dies, there), alone="edit" not in trouble)
        if act.killed:
            self.go()

    @rule()
    def days(self) -> None:
        """More days pass than an old generation is kept; then it goes."""
        self.rig.hour.pass_by(9 * 86_400.0)
        self.go()

    @rule()
    def heal(self) -> None:
        """All trouble is over: two runs, and everything is as git says."""
        self._settle_git()
        self._lag(0.0)
        for _ in range(2):
            self.rig.hour.pass_by(60.0)
            self.go()
        tree = self.tree()
        plan = self.rig.plan(tree).plan
        fine(
            f"I6: still to {each.action.value} {each.address}: {each.reason}"
            for each in plan.changes
            if each.action is not Action.NO_OP or each.address.name not in self.touched
        )
        fine(f"I7: {each.code}: {each.message}" for each in plan.blocking_diagnostics)
        fine(self._settled(tree))

    def teardown(self) -> None:
        """However it went, it ends healed."""
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
        for address, entry in entries(self.rig).items():
            held = entry.protect and not entry.retired_at and address not in self.git.now
            if held and (address.kind, address.name) not in claimed:
                self.git.relent(address)

    def _settled(self, tree: Tree) -> Iterator[str]:
        ours = [each for one, each in rows(self.rig).items() if each.is_active and one not in self.people]
        for desired in tree.desired:
            yield from amiss(self.rig, desired, ours)
        yield from pairs(self.rig, self.git.ever)
        today = datetime.fromtimestamp(self.rig.hour.wall(), UTC).date().isoformat()
        names = {(each.address.kind, each.address.name) for each in tree.desired}
        for each in ours:
            if (each.collection.removesuffix("s"), each.name) in names or each.id in self.revived:
                continue
            if today >= (each.name.partition(RETIRES_ON_INFIX)[2] or today):
                yield f"I2: {each.name} is left over"
        yield from (
            f"I5: {each.name} is left" for each in rows(self.rig).values() if each.name.startswith(PROBE)
        )

    def tree(self) -> Tree:
        """Return git as it stands, as a tree."""
        Machine.trees += 1
        return self.rig.once.invent(self.like, Machine.trees, tuple(self.git.now.values()))

    def go(
        self, *faults: Fault, doors: Doors | None = None, tree: Tree | None = None, alone: bool = True
    ) -> Act:
        """Apply what git says, and check all that holds at any moment."""
        rig, tree = self.rig, tree or self.tree()
        rig.service.app.faults.replace_faults(parse_faults(list(faults)))
        before = Before.of(rig)
        self.watchman.begin(tree)
        act = rig.apply(tree, CONSENTS, doors)
        rig.service.app.faults.replace_faults(())
        if act.report:
            self.doubted |= {
                each.address.name
                for each in act.report.outcomes
                if any("no sign" in one for one in each.warnings)
            }
        broken = [*standing(rig, act, before, tree, self.people), *self.watchman.broken]
        if alone:
            broken += kept_word(rig, act, tree, self.people)
        if alone and not faults and not rig.service.deployment.settings.list_lag_seconds:
            broken += stale(act, tree)
        fine(broken)
        self._relent()
        return act
