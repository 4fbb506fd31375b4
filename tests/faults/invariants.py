"""What must hold whatever happened: the invariants, each by its number in the engine's contract.

I1 live names are unique · I2 every managed name exists once, with the wanted fields · I3 the secret
in the service is the one in git, and never stood beside a destination that no commit put it with ·
I4 nothing unmanaged was touched · I5 nothing is deleted for good but probes · I6 the next plan is
empty · I7 two runs are enough · I8 no secret in state or journal · I9 no write without its intent ·
I10 writes are bounded · I11 no write after the key was refused.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faults.rig import Act, Rig
from faults.straight import writes
from faults.trees import Stage, Tree
from keyturn.client.messages import Request
from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import nest_fields, values_equal
from keyturn.model.resource import DesiredResource
from keyturn.planning.scope import RETIRES_ON_INFIX
from planasonix_emulator.storage.records import StoredRecord
from planasonix_emulator.storage.secret_log import digest_secret

PROBE = "keyturn-probe-"
EXTRA = 12
"""Writes beyond the plan's that repetitions and roll-backs may take, for each run."""


@dataclass
class Auditor:
    """Stands at the service's door: what each write was announced as, and what was deleted for good."""

    rig: Rig
    read: int = 0
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    told: bytes = b""
    names: dict[str, str] = field(default_factory=dict)

    def __call__(self, call: Request) -> None:
        """Check one request that is about to reach the service."""
        if not writes(call.method, call.path):
            return
        self._catch_up()
        parts = call.path.strip("/").split("/")
        self.names |= {each.id: each.name for each in self.rig.service.deployment.store.list_records()}
        name = self.names.get(parts[2], "") if len(parts) > 2 else ""
        if parts[-1] == "permanent" and not name.startswith(PROBE):
            self.broken.append(f"I5: {call.path} is deleted for good")
        if not any(_announces(intent, call, parts, name) for intent in self.intents.values()):
            self.broken.append(f"I9: {call.method} {call.path_template} without an intent")

    def _catch_up(self) -> None:
        journal = bytes(self.rig.memory.journal)
        if journal[: self.read] != self.told:
            self.read, self.intents = 0, {}
        whole = journal.rfind(b"\n") + 1
        for line in journal[self.read : whole].splitlines():
            tree = json.loads(line)
            if tree["event"] == "intent":
                self.intents[tree["id"]] = tree
            elif tree["event"] == "outcome" and tree["ending"] != "unsure":
                self.intents.pop(tree["intent"], None)
        self.read, self.told = whole, journal[:whole]


def _announces(intent: dict[str, Any], call: Request, parts: list[str], name: str) -> bool:
    if len(parts) == 2:
        name = json.loads(call.body or b"{}").get("name")
    elif intent.get("object") == parts[2]:
        return True
    return bool(name) and intent["op"] in {"create", "probe"} and intent.get("expect") == name


def check(rig: Rig, stage: Stage, acts: Iterable[Act], tree: Tree | None = None) -> list[str]:
    """Return every invariant that is broken now that all is quiet; ``tree`` is what git says."""
    wanted = (tree or stage.after).desired
    records = rig.service.deployment.store.list_records()
    acts = tuple(acts)
    return [
        *_names(records),
        *(line for desired in wanted for line in _held(rig, desired, records)),
        *pairs(rig, (each for tree in (stage.first, stage.before, stage.after) for each in tree.desired)),
        *_tried(rig, stage),
        *_generations(rig, stage, records),
        *_strangers(stage, records, wanted),
        *_leftovers(records, wanted, stage),
        *_silent(rig, stage),
        *_counted(stage, acts),
    ]


def _names(records: Iterable[StoredRecord]) -> Iterator[str]:
    names = Counter((each.collection, each.name) for each in records if each.is_active)
    yield from (f"I1: {name} stands {count} times" for name, count in names.items() if count > 1)


def _held(rig: Rig, desired: DesiredResource, records: Iterable[StoredRecord]) -> Iterator[str]:
    mine = [each for each in records if each.is_active and _named(each, desired.address)]
    if len(mine) != 1 or mine[0].type != desired.type:
        yield f"I2: {desired.address} exists {len(mine)} times, as {[each.type for each in mine]}"
        return
    record, ids = mine[0], _ids(records)
    config = nest_fields({path: leaf for path, leaf in desired.fields.items() if path[0] == "config"})
    if any(
        not values_equal(record.plain_config().get(name), leaf)
        for name, leaf in config.get("config", {}).items()
    ):
        yield f"I2: {desired.address} holds other settings"
    credential = desired.fields.get(("credential",))
    if isinstance(credential, Address) and record.credential_id != ids.get(credential):
        yield f"I2: {desired.address} uses another credential"
    held = rig.service.deployment.decrypt_secrets(record)
    if held != _secrets(desired):
        yield f"I3: {desired.address} holds another secret than git: {sorted(held)}"


def _ids(records: Iterable[StoredRecord]) -> dict[Address, str]:
    return {
        Address(each.collection.removesuffix("s"), each.name): each.id for each in records if each.is_active
    }


def _named(record: StoredRecord, address: Address) -> bool:
    return (record.collection.removesuffix("s"), record.name) == (address.kind, address.name)


def pairs(rig: Rig, stood: Iterable[DesiredResource]) -> Iterator[str]:
    """Yield each secret that met a destination beside which it never ``stood`` in git."""
    allowed = {
        (digest_secret("s", value.reveal()), _place(nest_fields(_plain(each))["config"]))
        for each in stood
        for value in each.secrets.values()
    }
    for pair in rig.service.deployment.secret_log.list_pairings("s"):
        if (
            pair["holder"] == pair["credential"]
            and (pair["secret"], _place(pair["destination"])) not in allowed
        ):
            yield "I3: a secret stood beside a destination that no commit put it with"


def _tried(rig: Rig, stage: Stage) -> Iterator[str]:
    allowed = {
        (digest_secret("s", value.reveal()), _place(nest_fields(_plain(user))["config"]))
        for tree in (stage.first, stage.before, stage.after)
        for each in tree.desired
        for user in tree.desired
        if each.address in user.fields.values()
        for value in each.secrets.values()
    }
    for pair in rig.service.deployment.secret_log.list_pairings("s"):
        if pair["holder"] == "test" and (pair["secret"], _place(pair["destination"])) not in allowed:
            yield "I3: a test took a secret to a place that no commit put it with"


def _generations(rig: Rig, stage: Stage, records: Iterable[StoredRecord]) -> Iterator[str]:
    # An old generation is there to be pointed back to: whole, or it is worth nothing.
    for record in (each for each in records if each.is_active and RETIRES_ON_INFIX in each.name):
        former = [
            each
            for each in stage.before.desired
            if each.address == Address("credential", record.name.partition(RETIRES_ON_INFIX)[0])
        ]
        if not any(_whole(record, rig.service.deployment.decrypt_secrets(record), each) for each in former):
            yield f"I3: the old generation {record.name} is not whole"


def _whole(record: StoredRecord, secrets: Mapping[str, Any], desired: DesiredResource) -> bool:
    config, wanted = record.plain_config(), nest_fields(_plain(desired))["config"]
    # What people edit there afterwards is theirs.
    same_config = all(config.get(name) in {leaf, "edited"} for name, leaf in wanted.items())
    return secrets == _secrets(desired) and same_config


def _secrets(desired: DesiredResource) -> dict[str, Any]:
    return nest_fields({path: value.reveal() for path, value in desired.secrets.items()})


def _plain(desired: DesiredResource) -> dict[tuple[str, ...], Any]:
    return {path: leaf for path, leaf in desired.fields.items() if path[0] == "config"}


def _place(config: Any) -> tuple[Any, str]:
    # A service may hold numbers as text.
    return config.get("host"), str(config.get("port"))


def _strangers(
    stage: Stage, records: Iterable[StoredRecord], wanted: Iterable[DesiredResource]
) -> Iterator[str]:
    now = {each.id: each for each in records}
    ours = {(each.address.kind, each.address.name) for each in wanted}
    for before in stage.rows:
        made_by_people = before.id.endswith("_ui")
        if made_by_people and now.get(before.id) != before:
            yield f"I4: {before.name} was touched"
        if before.id not in now and (before.collection.removesuffix("s"), before.name) not in ours:
            yield f"I5: {before.name} is gone for good"


def _leftovers(
    records: Iterable[StoredRecord], wanted: Iterable[DesiredResource], stage: Stage
) -> Iterator[str]:
    names = {(each.address.kind, each.address.name) for each in wanted}
    for each in records:
        place = (each.collection.removesuffix("s"), each.name)
        people = each.id.endswith("_ui")
        old = RETIRES_ON_INFIX in each.name
        if each.is_active and place not in names and not people and not old:
            yield f"I2: {each.name} is left over"
        if each.name.startswith(PROBE):
            yield f"I5: the probe {each.name} is left over"
    generations = [each.name for each in records if each.is_active and RETIRES_ON_INFIX in each.name]
    if len(generations) > sum(
        "replace" in stage.scene.name or stage.scene.name == "everything" for _ in (0,)
    ):
        yield f"I2: old generations are left over: {generations}"


def _silent(rig: Rig, stage: Stage) -> Iterator[str]:
    stored = bytes(rig.memory.journal) + b"".join(blob.data for blob in rig.memory.objects.values())
    for tree in (stage.before, stage.after):
        for each in tree.desired:
            for value in each.secrets.values():
                if value.reveal().encode() in stored:
                    yield f"I8: a secret of {each.address} is in the state"


def _counted(stage: Stage, acts: tuple[Act, ...]) -> Iterator[str]:
    for act in acts:
        if act.writes > EXTRA + 3 * len(stage.after.desired):
            yield f"I10: {act.writes} writes"
        if isinstance(act.error, DiagnosticError) and act.writes:
            yield "I11: a write in a run that was refused"
        refused = False
        for each in act.requests:
            if refused and writes(each["method"], each["path"]):
                yield "I11: a write after the key was refused"
            refused = refused or each["status"] == 401
