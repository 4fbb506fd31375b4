"""Invariants that must hold after every run and at every write, with or without faults."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from faults.git_model import CREDENTIAL, PASSWORD
from faults.harness import Harness, RunResult
from faults.in_process import TEST_PATH, is_write
from faults.invariants import EXTRA, RequestAuditor
from faults.manifest_trees import ManifestTree
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
"""Writes allowed for one change, with retries of each request."""


@dataclass
class SecretAuditor(RequestAuditor):
    """Checks in addition that no object in use gets a secret that was not tested.

    ``bad`` are the secrets that the target rejects; ``tree`` is the applied tree.
    """

    tree: ManifestTree | None = None
    bad: set[str] = field(default_factory=set)
    tried: set[object] = field(default_factory=set)
    used: set[object] = field(default_factory=set)

    def begin(self, tree: ManifestTree) -> None:
        """Start a run: earlier tests do not count; secrets in use may be restored."""
        self.tree, self.tried = tree, set()
        users = self.harness.service.deployment.store.list_records()
        self.used = {self._secret(each.credential_id) for each in users if each.is_active}

    def __call__(self, call: Request) -> None:
        """Check one request that is about to reach the service."""
        super().__call__(call)
        if call.path == TEST_PATH:
            self._record_test(call)
        elif call.method == "DELETE" and "/credentials/" in call.path:
            self._check_deletion(call)
        elif call.method == "PUT" and "/credentials/" in call.path:
            self._check_rotation(call)
        elif call.method == "PUT":
            self._check_repoint(call)

    def _record_test(self, call: Request) -> None:
        draft = self._format().parse_test(json.loads(call.body or b"{}"))
        secret = self._secret(draft.get("credentialId"))
        if secret not in self.bad:
            self.tried.add(secret)

    def _check_deletion(self, call: Request) -> None:
        users = self.harness.service.deployment.store.list_users(call.path.split("/")[3])
        if users:
            self.broken.append(f"I4: {call.path} goes, and is used by {[each.name for each in users]}")

    def _check_rotation(self, call: Request) -> None:
        deployment, identity = self.harness.service.deployment, call.path.rsplit("/", 1)[-1]
        draft = self._format().parse_credential(json.loads(call.body or b"{}"))
        new = draft.get("config", {}).get(PASSWORD[0])
        used = any(each.is_active for each in deployment.store.list_users(identity))
        moved = new is not None and new != self._secret(identity)
        if used and moved and "verify" in self._strategies(identity) and new not in self.tried:
            self.broken.append(f"I3: {call.path} gets a secret that was not tried, and it is in use")

    def _check_repoint(self, call: Request) -> None:
        identity = call.path.rsplit("/", 1)[-1]
        draft = self._format().parse_connection(json.loads(call.body or b"{}"))
        record = self.harness.service.deployment.store.find_by_id(identity)
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
        record = self.harness.service.deployment.store.find_by_id(str(identity))
        return self.harness.service.deployment.decrypt_secrets(record).get(PASSWORD[0]) if record else None

    def _format(self) -> DocsFormat:
        return select_format(self.harness.service.deployment.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Records of the service by ID and entries of the state before a run."""

    rows: Mapping[str, StoredRecord]
    known: Mapping[Address, StateEntry]

    @classmethod
    def of(cls, harness: Harness) -> Self:
        """Take a snapshot."""
        return cls(rows=rows(harness), known=entries(harness))


def rows(harness: Harness) -> dict[str, StoredRecord]:
    """Return all records by ID, soft-deleted ones included."""
    return {each.id: each for each in harness.service.deployment.store.list_records()}


def entries(harness: Harness) -> Mapping[Address, StateEntry]:
    """Return the entries of the state."""
    return load_state(harness.memory, "prod", harness.service.organization).state.entries


def has_open_intents(harness: Harness) -> bool:
    """Return whether the state has open intents."""
    return bool(load_state(harness.memory, "prod", harness.service.organization).state.open_intents)


def check_run(
    harness: Harness,
    result: RunResult,
    before: Snapshot,
    tree: ManifestTree,
    people: Mapping[str, StoredRecord],
) -> list[str]:
    """Return the invariants that a run broke; ``people`` are unmanaged records that must be unchanged."""
    now = rows(harness)
    ours = [each for each in now.values() if each.is_active and each.id not in people]
    return [
        *_duplicate_names(ours),
        *(f"I4: unmanaged {each.name} was changed" for one, each in people.items() if now.get(one) != each),
        *_shielded(before, now, tree),
        *_kept(harness, before, now, tree),
        *_bare(harness, ours),
        *_silent(harness, result, tree),
        *_bounded(result),
        *_whole(harness),
    ]


def _duplicate_names(ours: Iterable[StoredRecord]) -> Iterator[str]:
    names = Counter((each.collection, each.name) for each in ours)
    yield from (f"I1: {name} stands {count} times" for name, count in names.items() if count > 1)


def _shielded(before: Snapshot, now: Mapping[str, StoredRecord], tree: ManifestTree) -> Iterator[str]:
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


def _kept(
    harness: Harness, before: Snapshot, now: Mapping[str, StoredRecord], tree: ManifestTree
) -> Iterator[str]:
    open_secrets = harness.service.deployment.decrypt_secrets
    for each in tree.desired:
        known = before.known.get(each.address)
        there = each.kept_secrets and known and known.id in before.rows and known.id in now
        if there and open_secrets(before.rows[known.id]) != open_secrets(now[known.id]):
            yield f"I3: {each.address} keeps its secret, and has another one"


def _bare(harness: Harness, ours: Iterable[StoredRecord]) -> Iterator[str]:
    for each in ours:
        if each.collection == "credentials" and not harness.service.deployment.decrypt_secrets(each):
            yield f"I3: {each.name} has lost its secret"


def _silent(harness: Harness, result: RunResult, tree: ManifestTree) -> Iterator[str]:
    stored = bytes(harness.memory.journal) + b"".join(blob.data for blob in harness.memory.objects.values())
    output = stored + repr((result.report, result.error, getattr(result.error, "diagnostics", ()))).encode()
    for each in tree.desired:
        if any(value.reveal().encode() in output for value in each.secrets.values()):
            yield f"I8: a secret of {each.address} is in the output"


def _bounded(result: RunResult) -> Iterator[str]:
    planned = len(result.report.plan.changes) if result.report else len(result.requests)
    if result.write_count > EXTRA + EACH * planned:
        yield f"I10: {result.write_count} writes for {planned} changes"
    if isinstance(result.error, DiagnosticError) and result.write_count:
        yield "I11: a run that was refused has written"
    refused = False
    for each in result.requests:
        if refused and is_write(each["method"], each["path"]):
            yield "I11: a write after the key was refused"
        refused = refused or each["status"] == HTTPStatus.UNAUTHORIZED


def _whole(harness: Harness) -> Iterator[str]:
    wrong = verify_chain(read_journal_records(harness.memory.open_log().read(0)))
    if wrong is not None:
        yield f"I9: record {wrong} of the journal is not what was written"
    yield from (
        f"I9: {each.code}"
        for each in load_state(harness.memory, "prod", harness.service.organization).diagnostics
    )


def check_outcomes(
    harness: Harness, result: RunResult, tree: ManifestTree, people: Mapping[str, StoredRecord]
) -> Iterator[str]:
    """Yield each change that is reported as done but is not; call it only without concurrent edits."""
    wanted = {each.address: each for each in tree.desired}
    ours = [each for one, each in rows(harness).items() if each.is_active and one not in people]
    for outcome in result.report.outcomes if result.report else ():
        desired = wanted.get(outcome.address)
        if outcome.outcome_status is OutcomeStatus.DONE and outcome.action in WRITTEN and desired:
            doubt = any("no sign" in each for each in outcome.warnings)
            yield from (
                f"{each}, and is called done"
                for each in find_mismatches(harness, desired, ours, secret=not doubt)
            )


def find_stale(result: RunResult, tree: ManifestTree) -> Iterator[str]:
    """Yield each stale change; call it only if nothing was edited."""
    kept = {each.address for each in tree.desired if each.kept_secrets}
    for outcome in result.report.outcomes if result.report else ():
        if outcome.outcome_status is OutcomeStatus.STALE and outcome.address not in kept:
            yield f"I7: {outcome.address} is stale without an edit: {outcome.message}"


def find_mismatches(
    harness: Harness, desired: DesiredResource, ours: Iterable[StoredRecord], *, secret: bool = True
) -> Iterator[str]:
    """Yield differences between a manifest and the service."""
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
    held = harness.service.deployment.decrypt_secrets(mine[0])
    if (
        secret
        and desired.secrets
        and held != nest_fields({path: value.reveal() for path, value in desired.secrets.items()})
    ):
        yield f"I3: {desired.address} holds another secret than git"
