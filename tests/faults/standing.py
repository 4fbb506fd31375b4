"""What holds at any moment, with trouble or without: checked after every run, and at every write."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from faults.invariants import EXTRA, Auditor
from faults.model import CREDENTIAL, PASSWORD
from faults.rig import Act, Rig
from faults.straight import TEST, writes
from faults.trees import Tree
from keyturn.client.messages import Request
from keyturn.model.address import Address
from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import nest_fields, values_equal
from keyturn.model.resource import DesiredResource, StateEntry
from keyturn.state.journal_record import read_journal_records, verify_chain
from keyturn.state.reader import load_state
from planasonix_emulator.http.response_formats import DocsFormat, select_format
from planasonix_emulator.storage.records import StoredRecord

WRITTEN = frozenset({"create", "update", "rename", "rotate", "restore", "replace"})
EACH = 8
"""Writes that one change may take, repetitions of each of its requests included."""


@dataclass
class Watchman(Auditor):
    """An auditor who also sees that nothing in use gets a secret that was not tried and found good.

    ``bad`` are the secrets that the target refuses; ``tree`` is what is being applied.
    """

    tree: Tree | None = None
    bad: set[str] = field(default_factory=set)
    tried: set[object] = field(default_factory=set)
    used: set[object] = field(default_factory=set)

    def begin(self, tree: Tree) -> None:
        """Begin a run: what an earlier one tried counts no more, what is in use may be returned to."""
        self.tree, self.tried = tree, set()
        users = self.rig.service.deployment.store.list_records()
        self.used = {self._secret(each.credential_id) for each in users if each.is_active}

    def __call__(self, call: Request) -> None:
        """Check one request that is about to reach the service."""
        super().__call__(call)
        if call.path == TEST:
            self._test(call)
        elif call.method == "DELETE" and "/credentials/" in call.path:
            self._let_go(call)
        elif call.method == "PUT" and "/credentials/" in call.path:
            self._cut_over(call)
        elif call.method == "PUT":
            self._repoint(call)

    def _test(self, call: Request) -> None:
        draft = self._speech().parse_test(json.loads(call.body or b"{}"))
        secret = self._secret(draft.get("credentialId"))
        if secret not in self.bad:
            self.tried.add(secret)

    def _let_go(self, call: Request) -> None:
        users = self.rig.service.deployment.store.list_users(call.path.split("/")[3])
        if users:
            self.broken.append(f"I4: {call.path} goes, and is used by {[each.name for each in users]}")

    def _cut_over(self, call: Request) -> None:
        deployment, identity = self.rig.service.deployment, call.path.rsplit("/", 1)[-1]
        draft = self._speech().parse_credential(json.loads(call.body or b"{}"))
        new = draft.get("config", {}).get(PASSWORD[0])
        used = any(each.is_active for each in deployment.store.list_users(identity))
        moved = new is not None and new != self._secret(identity)
        if used and moved and "verify" in self._strategies(identity) and new not in self.tried:
            self.broken.append(f"I3: {call.path} gets a secret that was not tried, and it is in use")

    def _repoint(self, call: Request) -> None:
        identity = call.path.rsplit("/", 1)[-1]
        draft = self._speech().parse_connection(json.loads(call.body or b"{}"))
        record = self.rig.service.deployment.store.find_by_id(identity)
        ours = [each for each in self.intents.values() if each.get("object") == identity]
        if record is None or not any(each["op"] == "repoint" for each in ours):
            return
        new = draft.get("credentialId")
        if new != record.credential_id and self._secret(new) not in {*self.tried, *self.used}:
            self.broken.append(f"I3: {call.path} is pointed to a secret that was not tried")

    def _strategies(self, identity: str) -> set[str]:
        wanted = {each.address: each.lifecycle.strategy for each in self.tree.desired} if self.tree else {}
        return {
            wanted.get(Address.parse(each["address"]), "")
            for each in self.intents.values()
            if each.get("object") == identity and each["action"] == "rotate"
        }

    def _secret(self, identity: object) -> object:
        record = self.rig.service.deployment.store.find_by_id(str(identity))
        return self.rig.service.deployment.decrypt_secrets(record).get(PASSWORD[0]) if record else None

    def _speech(self) -> DocsFormat:
        return select_format(self.rig.service.deployment.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What stood before a run: the rows of the service by id, and the state's entries."""

    rows: Mapping[str, StoredRecord]
    known: Mapping[Address, StateEntry]

    @classmethod
    def of(cls, rig: Rig) -> Self:
        """Look around."""
        return cls(rows=rows(rig), known=entries(rig))


def rows(rig: Rig) -> dict[str, StoredRecord]:
    """Return all that the service has, by id, what lies in the trash too."""
    return {each.id: each for each in rig.service.deployment.store.list_records()}


def entries(rig: Rig) -> Mapping[Address, StateEntry]:
    """Return what the state holds."""
    return load_state(rig.memory, "prod", rig.service.organization).state.entries


def unsettled(rig: Rig) -> bool:
    """Tell whether an earlier run has left something open."""
    return bool(load_state(rig.memory, "prod", rig.service.organization).state.open_intents)


def standing(rig: Rig, act: Act, before: Before, tree: Tree, people: Mapping[str, StoredRecord]) -> list[str]:
    """Return what is broken right after a run, however it ended; ``people`` made the rest, as it must be."""
    now = rows(rig)
    ours = [each for each in now.values() if each.is_active and each.id not in people]
    return [
        *_twins(ours),
        *(f"I4: {each.name} of somebody was touched" for one, each in people.items() if now.get(one) != each),
        *_shielded(before, now, tree),
        *_kept(rig, before, now, tree),
        *_bare(rig, ours),
        *_silent(rig, act, tree),
        *_bounded(act),
        *_whole(rig),
    ]


def _twins(ours: Iterable[StoredRecord]) -> Iterator[str]:
    names = Counter((each.collection, each.name) for each in ours)
    yield from (f"I1: {name} stands {count} times" for name, count in names.items() if count > 1)


def _shielded(before: Before, now: Mapping[str, StoredRecord], tree: Tree) -> Iterator[str]:
    free = {
        Address(each.address.kind, name)
        for each in tree.desired
        for name in (each.address.name, each.lifecycle.moved_from)
        if not each.lifecycle.protect
    }
    for address, known in before.known.items():
        held = known.protect and not known.retired_at and address not in free
        if held and _stands(known, before.rows) and not _stands(known, now):
            yield f"I2: {address} is protected, and gone"


def _stands(known: StateEntry, among: Mapping[str, StoredRecord]) -> bool:
    return known.id in among and among[known.id].is_active


def _kept(rig: Rig, before: Before, now: Mapping[str, StoredRecord], tree: Tree) -> Iterator[str]:
    open_secrets = rig.service.deployment.decrypt_secrets
    for each in tree.desired:
        known = before.known.get(each.address)
        there = each.kept_secrets and known and known.id in before.rows and known.id in now
        if there and open_secrets(before.rows[known.id]) != open_secrets(now[known.id]):
            yield f"I3: {each.address} keeps its secret, and has another one"


def _bare(rig: Rig, ours: Iterable[StoredRecord]) -> Iterator[str]:
    for each in ours:
        if each.collection == "credentials" and not rig.service.deployment.decrypt_secrets(each):
            yield f"I3: {each.name} has lost its secret"


def _silent(rig: Rig, act: Act, tree: Tree) -> Iterator[str]:
    stored = bytes(rig.memory.journal) + b"".join(blob.data for blob in rig.memory.objects.values())
    told = stored + repr((act.report, act.error, getattr(act.error, "diagnostics", ()))).encode()
    for each in tree.desired:
        if any(value.reveal().encode() in told for value in each.secrets.values()):
            yield f"I8: a secret of {each.address} is told"


def _bounded(act: Act) -> Iterator[str]:
    planned = len(act.report.plan.changes) if act.report else len(act.requests)
    if act.writes > EXTRA + EACH * planned:
        yield f"I10: {act.writes} writes for {planned} changes"
    if isinstance(act.error, DiagnosticError) and act.writes:
        yield "I11: a run that was refused has written"
    refused = False
    for each in act.requests:
        if refused and writes(each["method"], each["path"]):
            yield "I11: a write after the key was refused"
        refused = refused or each["status"] == HTTPStatus.UNAUTHORIZED


def _whole(rig: Rig) -> Iterator[str]:
    wrong = verify_chain(read_journal_records(rig.memory.open_log().read(0)))
    if wrong is not None:
        yield f"I9: record {wrong} of the journal is not what was written"
    yield from (
        f"I9: {each.code}" for each in load_state(rig.memory, "prod", rig.service.organization).diagnostics
    )


def kept_word(rig: Rig, act: Act, tree: Tree, people: Mapping[str, StoredRecord]) -> Iterator[str]:
    """Yield each change that is said to be done and is not; nobody else may have been at work meanwhile."""
    wanted = {each.address: each for each in tree.desired}
    ours = [each for one, each in rows(rig).items() if each.is_active and one not in people]
    for outcome in act.report.outcomes if act.report else ():
        desired = wanted.get(outcome.address)
        if outcome.outcome_status is OutcomeStatus.DONE and outcome.action in WRITTEN and desired:
            doubt = any("no sign" in each for each in outcome.warnings)
            yield from (f"{each}, and is called done" for each in amiss(rig, desired, ours, secret=not doubt))


def stale(act: Act, tree: Tree) -> Iterator[str]:
    """Yield each change that found its object moved, in a run during which nobody moved anything."""
    kept = {each.address for each in tree.desired if each.kept_secrets}
    for outcome in act.report.outcomes if act.report else ():
        if outcome.outcome_status is OutcomeStatus.STALE and outcome.address not in kept:
            yield f"I7: {outcome.address} is stale, and nobody touched it: {outcome.message}"


def amiss(
    rig: Rig, desired: DesiredResource, ours: Iterable[StoredRecord], *, secret: bool = True
) -> Iterator[str]:
    """Yield what is not as a manifest wants it."""
    ours = tuple(ours)
    ids = {Address(each.collection.removesuffix("s"), each.name): each.id for each in ours}
    mine = [each for each in ours if each.id == ids.get(desired.address)]
    if len(mine) != 1:
        yield f"I2: {desired.address} is not there"
        return
    plain = mine[0].plain_config()
    for path, leaf in desired.fields.items():
        if path[0] == "config" and not values_equal(plain.get(path[1]), leaf):
            yield f"I2: {path[1]} of {desired.address} is another"
    uses = desired.fields.get(CREDENTIAL)
    if isinstance(uses, Address) and mine[0].credential_id != ids.get(uses):
        yield f"I2: {desired.address} uses another credential"
    held = rig.service.deployment.decrypt_secrets(mine[0])
    if (
        secret
        and desired.secrets
        and held != nest_fields({path: value.reveal() for path, value in desired.secrets.items()})
    ):
        yield f"I3: {desired.address} holds another secret than git"
