"""No sequence of plans sends a secret to a destination that was not approved."""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from in_process_run import InProcessRun
from keyturn.operations.apply.session import ApplyOptions, ApplyReport
from keyturn.operations.plan import plan
from keyturn.operations.plan.plan import PlanOptions
from keyturn.planning.inputs import Approvals
from keyturn.schema.definitions import is_destination
from planasonix_emulator.server import Emulator

SALT = "salt"
CREDENTIALS, CONNECTIONS = ("ca", "cb"), ("x", "y")
HOSTS = ("h1", "h2", "h3")
EVERYTHING_ELSE = Approvals(
    adopt=frozenset({"*"}),
    reuse=frozenset(CREDENTIALS),
    restore=frozenset({*CREDENTIALS, *CONNECTIONS}),
    retire=20,
    rotate=20,
    empty=True,
)
"""Consent to whatever can be consented to, but for a new destination."""


def place(kind, name, config):
    """Return of a configuration what says where a secret goes."""
    fields = {("config", key): value for key, value in config.items()}
    return frozenset(
        (path[1], str(value)) for path, value in fields.items() if is_destination(kind, name, path)
    )


@dataclass
class Approval:
    """What was approved: by credential, each place with the number of the commit that stated it.

    A secret may go where a commit up to its own approved its credential: of one that is newer
    than the place it is the ordinary rotation, of one that is older than the place an exposure.
    """

    number: int = 0
    owner: dict[str, str] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    places: dict[str, dict[frozenset[Any], int]] = field(default_factory=dict)

    def approve(self, trees, received):
        """Take a commit whose plan was allowed."""
        self.number += 1
        for tree in trees.values():
            if tree["kind"] != "credential":
                continue
            digests = {digest(value) for value in tree["secrets"].values()}
            self.owner |= dict.fromkeys(digests, tree["name"])
            self.last |= dict.fromkeys(digests, self.number)
            if not digests & received:
                known = self.places.setdefault(tree["name"], {})
                for each in self.stated(trees, tree):
                    known.setdefault(each, self.number)

    def stated(self, trees, credential):
        """Return every place that a commit states for a credential."""
        users = (tree for tree in trees.values() if tree.get("credential") == credential["name"])
        yield place("credential", "database", credential["config"])
        yield from (place("connection", "postgres", tree["config"]) for tree in users)

    def allows(self, pair):
        """Tell whether a pair that the emulator saw is one that was approved."""
        name = self.owner[pair["secret"]]
        kind = "credential" if pair["holder"] == pair["credential"] else "connection"
        seen = place(kind, {"credential": "database", "connection": "postgres"}[kind], pair["destination"])
        return any(
            number <= self.last[pair["secret"]]
            and (seen == known or (kind == "connection" and seen <= known))
            for known, number in self.places.get(name, {}).items()
        )


def digest(value):
    """Return the digest under which the emulator speaks of a secret."""
    return sha256((SALT + value).encode()).hexdigest()


def marks(pairs):
    """Return pairs as values that can be compared."""
    return {(one["secret"], one["credential"], one["holder"], str(one["destination"])) for one in pairs}


class Drama:
    """A workspace, people who edit it in git and in the UI, and what they approved."""

    def __init__(self, stage, names):
        self.stage, self.approval, self.names = stage, Approval(), names
        self.excused = set()
        self.ends = Counter()

    def commit(self, word, *what):
        """Change the manifests."""
        getattr(self, f"_{word}")(*what)

    def _credential(self, name, **config):
        self.stage.manifests[name] = {
            "kind": "credential", "name": name, "type": "database",
            "rotation": {"strategy": {"ca": "verify", "cb": "replace"}[name]},
            "config": {"engine": "postgresql", "host": "h1", "port": 5432, "username": "svc", **config},
            "secrets": {"password": self.names()},
        }  # fmt: skip

    def _connection(self, name, uses, host):
        if uses in self.stage.manifests:
            config = {"host": host, "port": 5432, "database": "app"}
            self.stage.manifests[name] = {
                "kind": "connection", "name": name, "type": "postgres", "credential": uses, "config": config,
            }  # fmt: skip

    def _host(self, name, host):
        if name in self.stage.manifests:
            self.stage.manifests[name]["config"]["host"] = host

    def _tls(self, name, mode):
        if name in self.stage.manifests:
            self.stage.manifests[name]["config"].pop("sslMode", None)
            self.stage.manifests[name]["config"] |= {"sslMode": mode} if mode else {}

    def _tunnel(self, name, host):
        if name in self.stage.manifests:
            self.stage.manifests[name]["config"].pop("ssh_host", None)
            self.stage.manifests[name]["config"] |= {"ssh_host": host} if host else {}

    def _secret(self, name, path):
        if name in self.stage.manifests:
            self.stage.manifests[name]["secrets"][path] = self.names()

    def _less(self, name):
        if name in self.stage.manifests:
            self.stage.manifests[name]["secrets"].pop("ssh_private_key", None)

    def _back(self, name, path):
        # An earlier value returns.
        mine = [value for value in self.names.made if digest(value) in self.approval.owner]
        mine = [value for value in mine if self.approval.owner[digest(value)] == name]
        if name in self.stage.manifests and mine:
            self.stage.manifests[name]["secrets"][path] = mine[0]

    def _gone(self, name):
        self.stage.manifests.pop(name, None)
        for each in [key for key, tree in self.stage.manifests.items() if tree.get("credential") == name]:
            del self.stage.manifests[each]

    def act(self, word, name, **change):
        """Do something in the UI; what comes of it there is nobody's approval, and not keyturn's doing."""
        collection = "credentials" if name in CREDENTIALS else "connections"
        live = {
            each["name"]: each
            for each in self.stage.service.read_state()[collection]
            if each["status"] != "deleted"
        }
        if name not in live:
            return
        if "credential" in change:
            uses = {each["name"]: each["id"] for each in self.stage.service.read_state()["credentials"]}
            change = {"credentialId": uses.get(change["credential"], live[name].get("credentialId"))}
        what = {"change": change} if word == "edit" else {}
        before = marks(self.pairs())
        self.stage.service.perform_ui_action(word, collection=collection, name=name, **what)
        self.excused |= marks(self.pairs()) - before

    def apply(self, targets=()):
        """Apply without consent to any destination, and look at every pair that ever stood."""
        received = set(self.stage.service.count_secrets(SALT))
        trees = {
            name: {**tree, "config": dict(tree["config"])} for name, tree in self.stage.manifests.items()
        }
        before = self.approval.number
        planned = self.stage.plan(PlanOptions(targets=targets, approvals=EVERYTHING_ELSE)).plan
        if not planned.blocking_diagnostics:
            self.approval.approve(trees, received)
        done = self.stage.apply(
            PlanOptions(targets=targets, approvals=EVERYTHING_ELSE), ApplyOptions(parallelism=1)
        )
        self.ends[type(done).__name__ if isinstance(done, ApplyReport) else done] += 1
        assert isinstance(done, ApplyReport) == (self.approval.number > before), done
        return self.wrong()

    def pairs(self):
        """Return what the emulator saw."""
        return self.stage.service.list_pairings(SALT)

    def wrong(self):
        """Return the pairs that nobody approved."""
        found = [pair for pair in self.pairs() if marks([pair]).isdisjoint(self.excused)]
        return [pair for pair in found if not self.approval.allows(pair)]


class Names:
    """Makes secrets, and remembers them."""

    def __init__(self, canary):
        self.canary, self.made = canary, []

    def __call__(self):
        """Return a new one."""
        self.made.append(self.canary())
        return self.made[-1]


@pytest.fixture
def stage(tmp_path):
    """Return a workspace on an emulator."""
    with Emulator.start() as service:
        yield InProcessRun(tmp_path, service)


NAME, HOST = st.sampled_from(CREDENTIALS + CONNECTIONS), st.sampled_from(HOSTS)
CREDENTIAL, CONNECTION = st.sampled_from(CREDENTIALS), st.sampled_from(CONNECTIONS)
FIELD = st.sampled_from(["password", "ssh_private_key"])
MODE, TUNNEL = st.sampled_from(["", "require"]), st.sampled_from(["", "t1", "t2"])
COMMITS = st.one_of(
    st.tuples(st.just("credential"), CREDENTIAL),
    st.tuples(st.just("connection"), CONNECTION, CREDENTIAL, HOST),
    st.tuples(st.just("connection"), CONNECTION, CREDENTIAL, HOST),
    st.tuples(st.just("host"), NAME, HOST),
    st.tuples(st.just("host"), NAME, HOST),
    st.tuples(st.just("tls"), CONNECTION, MODE),
    st.tuples(st.just("tunnel"), CREDENTIAL, TUNNEL),
    st.tuples(st.just("secret"), CREDENTIAL, FIELD),
    st.tuples(st.just("secret"), CREDENTIAL, st.just("password")),
    st.tuples(st.just("back"), CREDENTIAL, FIELD),
    st.tuples(st.just("less"), CREDENTIAL),
    st.tuples(st.just("gone"), NAME),
)
EDITS = st.one_of(
    st.builds(
        lambda name, host: ("edit", name, {"config": {"host": host}}), NAME, st.sampled_from(["h1", "evil"])
    ),
    st.builds(
        lambda name, key: ("edit", name, {"config": {key: "evil"}}),
        CONNECTION,
        st.sampled_from(["proxy", "sslMode"]),
    ),
    st.builds(lambda name, uses: ("edit", name, {"credential": uses}), CONNECTION, CREDENTIAL),
    st.builds(lambda name: ("trash", name, {}), NAME),
)
TURNS = st.lists(
    st.tuples(
        st.lists(COMMITS, max_size=3),
        st.lists(EDITS, max_size=1),
        st.one_of(st.just(()), st.just(()), st.builds(lambda name: (name,), NAME)),
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip
SETTINGS = st.fixed_dictionaries(
    {
        "credential_put": st.sampled_from(["merge", "replace"]),
        "connection_put": st.sampled_from(["replace", "merge"]),
    }
)


def test_no_sequence_of_plans_exposes_a_secret(stage, canary):
    """Commits, edits in the UI and applies in any order, without consent to any new destination."""
    seen = Counter()

    @settings(max_examples=60, phases=(Phase.generate,))
    @given(turns=TURNS, switches=SETTINGS)
    def play(turns, switches):
        drama = begun(stage, canary, **switches)
        for commits, edits, targets in turns:
            for word, *what in commits:
                drama.commit(word, *what)
            for word, name, change in edits:
                drama.act(word, name, **change)
            assert drama.apply(tuple(target for target in targets if target in stage.manifests)) == []
        seen.update(drama.ends)

    play()
    refused = sum(number for codes, number in seen.items() if "KT451" in codes)
    # The plays are worth something only if many plans go through and many are refused for exposure.
    assert seen["ApplyReport"] > 80
    assert refused > 20


def begun(stage, canary, **switches):
    """Return a drama in which two credentials and a connection were applied."""
    stage.begin()
    stage.service.change_settings(**switches)
    drama = Drama(stage, Names(canary))
    for name in CREDENTIALS:
        drama.commit("credential", name)
    drama.commit("connection", "x", "ca", "h1")
    assert drama.apply() == []
    assert drama.ends["ApplyReport"] == 1
    return drama


def test_the_play_would_notice(stage, canary, monkeypatch):
    """Without the guard a moved host is found among the pairs: the property above can fail."""
    monkeypatch.setattr(plan, "find_exposures", lambda changes, *_: changes)
    for commits in (
        [("host", "ca", "h2")],
        [("host", "x", "h2")],
        [("connection", "y", "cb", "h3")],
        [("tls", "x", "require")],
    ):
        drama = begun(stage, canary)
        for word, *what in commits:
            drama.commit(word, *what)
        assert drama.apply() != [], commits
