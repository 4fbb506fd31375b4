"""A machine that does anything in any order: git, people, faults, deaths and applies, against a model."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from faults.campaign import LOST, REFUSED
from faults.conftest import WHOLE
from faults.invariants import Auditor, check
from faults.memory import Doors
from faults.rig import unmanaged
from faults.scenes import CREATE, HOST, Scene
from faults.trees import Stage
from keyturn.core.address import Address, Origin
from keyturn.core.inputs import Consents
from keyturn.core.resource import Desired
from keyturn.core.secret import Secret
from planasonix_emulator.faults import read_faults

pytestmark = [pytest.mark.faults, pytest.mark.hypothesis]
CREDENTIALS, CONNECTIONS = ("c-a", "c-b", "c-c"), ("n-a", "n-b")
EVERYBODY = frozenset({*CREDENTIALS, *CONNECTIONS})
CONSENTS = Consents(reuse=EVERYBODY, restore=EVERYBODY, retire=99, rotate=99, empty=True)
PASSWORD = ("password",)


def written(kind, name, fields, secret=""):
    """Return a manifest; what it is made of decides its digest."""
    config = {("config", key): leaf for key, leaf in {**HOST, **fields}.items()}
    digest = hashlib.sha256(repr((kind, name, fields, secret)).encode()).hexdigest()
    desired = Desired(
        address=Address(kind, name),
        type="database" if kind == "credential" else "postgres",
        fields={path: leaf for path, leaf in config.items() if not isinstance(leaf, Address)},
        secrets={PASSWORD: Secret(secret)} if secret else {},
        ciphers={PASSWORD: hashlib.sha256(f"{name} {secret}".encode()).hexdigest()} if secret else {},
        digest=digest,
        origin=Origin(f"{name}.yaml"),
    )
    uses = fields.get("uses")
    return replace(desired, fields={**desired.fields, ("credential",): uses}) if uses else desired


class Machine(RuleBasedStateMachine):
    """The model is what git says; the rest is the world's business."""

    rig = None

    @initialize(applied=st.booleans())
    def begin(self, applied):
        """Start with what people made, and five manifests, applied or not."""
        rig = self.rig
        self.like = rig.stage_of(CREATE).after
        rig.clear()
        rig.service.set(unique_names=False)
        rig.service.seed(**unmanaged())
        self.rows = rig.service.world.store.everything()
        self.git, self.ever = {}, []
        self.acts = []
        self.auditor = rig.on_request = Auditor(rig)
        for name in CREDENTIALS:
            self.credential(name, "x", "p")
        for name in CONNECTIONS:
            self.put(written("connection", name, {"database": name, "uses": Address("credential", "c-a")}))
        if applied:
            rig.apply(self.tree(), CONSENTS)

    def tree(self):
        """Return git as it stands, as a tree."""
        Machine.trees = getattr(Machine, "trees", 0) + 1
        return self.rig.once.invent(self.like, Machine.trees, tuple(self.git.values()))

    def put(self, desired):
        """Write a manifest."""
        self.git[desired.address] = desired
        self.ever.append(desired)

    @rule(name=st.sampled_from(CREDENTIALS), secret=st.sampled_from("xyz"), user=st.sampled_from("pq"))
    def credential(self, name, secret, user):
        """Write a credential, new or changed."""
        fields = {"engine": "postgresql", "username": f"{name}-{user}"}
        self.put(written("credential", name, fields, self.rig.mint(f"{name} {secret}")))

    @precondition(lambda self: any(each.kind == "credential" for each in self.git))
    @rule(name=st.sampled_from(CONNECTIONS), base=st.sampled_from("pq"), data=st.data())
    def connection(self, name, base, data):
        """Write a connection that uses one of the credentials."""
        uses = data.draw(st.sampled_from(sorted(each for each in self.git if each.kind == "credential")))
        self.put(written("connection", name, {"database": f"{name}-{base}", "uses": uses}))

    @precondition(lambda self: bool(self.git))
    @rule(data=st.data())
    def remove(self, data):
        """Remove a manifest, and those that refer to it."""
        address = data.draw(st.sampled_from(sorted(self.git)))
        self.git = {
            one: each
            for one, each in self.git.items()
            if one != address and address not in each.fields.values()
        }

    @rule(data=st.data())
    def edit(self, data):
        """Somebody edits one of our objects in the UI."""
        ours = [
            each
            for each in self.rig.service.world.store.everything()
            if each.active and not each.id.endswith("_ui")
        ]
        if ours:
            chosen = data.draw(st.sampled_from(sorted({(each.collection, each.name) for each in ours})))
            field = "username" if chosen[0] == "credentials" else "database"
            self.rig.service.edit(*chosen, config={field: "edited"})

    @rule(data=st.data())
    def trash(self, data):
        """Somebody deletes one of our connections in the UI."""
        ours = [each for each in self.rig.service.world.store.everything() if each.active]
        names = sorted({each.name for each in ours if each.name in CONNECTIONS})
        if names:
            self.rig.service.act("trash", collection="connections", name=data.draw(st.sampled_from(names)))

    @rule(
        at=st.one_of(st.just(0), st.integers(1, 60)),
        fault=st.one_of(st.none(), st.sampled_from((*LOST, *REFUSED[:9]))),
        nth=st.integers(4, 24),
        lag=st.sampled_from((0.0, 0.4, 2.0)),
        pause=st.sampled_from((0.1, 1.0, 60.0)),
    )
    def apply(self, at, fault, nth, lag, pause):
        """Apply, with a fault or none, under any lag, and perhaps die at a door."""
        self.rig.hour.pass_by(pause)
        self.rig.service.set(list_lag_seconds=lag)
        self.rig.service.world.faults.replace(read_faults([{**fault, "nth": nth}] if fault else []))
        self.acts.append(self.rig.apply(self.tree(), CONSENTS, Doors(at)))

    @rule()
    def heal(self):
        """All trouble is over: two runs, and everything is as git says."""
        rig, tree = self.rig, self.tree()
        rig.service.world.faults.replace(())
        rig.service.set(list_lag_seconds=0.0)
        for _ in range(2):
            rig.hour.pass_by(60.0)
            self.acts.append(rig.apply(tree, CONSENTS))
        ever = replace(tree, desired=tuple(self.ever))
        stage = Stage(
            scene=Scene(name="machine"),
            first=ever,
            before=ever,
            after=tree,
            rows=self.rows,
            ledger=({}, b""),
            at=0,
        )
        assert [*check(rig, stage, self.acts[-2:]), *self.auditor.broken] == []
        plan = rig.plan(tree).plan
        assert [f"{each.action.value} {each.address}" for each in plan.changes] == []
        assert plan.blocked == ()

    def teardown(self):
        """However it went, it ends healed."""
        if hasattr(self, "git"):
            self.heal()


def test_whatever_happens_git_is_reached_in_two_runs(rig, record_property):
    """Manifests, edits, deletions, faults, lags, deaths and applies, then two runs without trouble."""
    Machine.rig = rig
    examples, steps = (400, 25) if WHOLE else (25, 12)
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=steps, derandomize=True)
    )
    record_property("cases", examples)
