"""Invariants that must hold after every case, by number.

I1 live names are unique · I2 every managed name exists once, with the wanted fields · I3 the secret
in the service is the one in git, and was never combined with a destination of another commit ·
I4 nothing unmanaged was touched · I5 only probes are deleted permanently · I6 the next plan is
empty · I7 two runs are enough · I8 no secret in state or journal · I9 no write without its intent ·
I10 writes are bounded · I11 no write after the key was refused.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faults.harness import Harness, RunResult
from faults.in_process import is_write
from faults.manifest_trees import ManifestTree, PreparedScenario
from keyturn.client.messages import Request
from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import nest_fields, values_equal
from keyturn.model.resource import DesiredResource
from planasonix_emulator.storage.records import StoredRecord
from planasonix_emulator.storage.secret_log import digest_secret

PROBE = "keyturn-probe-"
OLD_GENERATION = "-until-"
"""A part of the names of old generations; the scenarios have no such name of their own."""
EXTRA = 12
"""Writes of retries and rollbacks allowed in each run, beyond the planned ones."""


@dataclass
class RequestAuditor:
    """Checks each request before the service gets it: every write has an intent, only probes are purged."""

    harness: Harness
    read: int = 0
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    journal: bytes = b""
    names: dict[str, str] = field(default_factory=dict)

    def __call__(self, call: Request) -> None:
        """Check one request."""
        if not is_write(call.method, call.path):
            return
        self._catch_up()
        parts = call.path.strip("/").split("/")
        self.names |= {each.id: each.name for each in self.harness.service.deployment.store.list_records()}
        name = self.names.get(parts[2], "") if len(parts) > 2 else ""
        if parts[-1] == "permanent" and not name.startswith(PROBE):
            self.broken.append(f"I5: {call.path} is deleted for good")
        if not any(_announces(intent, call, parts, name) for intent in self.intents.values()):
            self.broken.append(f"I9: {call.method} {call.path_template} without an intent")

    def _catch_up(self) -> None:
        content = bytes(self.harness.memory.journal)
        if content[: self.read] != self.journal:
            self.read, self.intents = 0, {}
        whole = content.rfind(b"\n") + 1
        for line in content[self.read : whole].splitlines():
            tree = json.loads(line)
            if tree["event"] == "intent":
                self.intents[tree["id"]] = tree
            elif tree["event"] == "outcome" and tree["ending"] != "unsure":
                self.intents.pop(tree["intent"], None)
        self.read, self.journal = whole, content[:whole]


def _announces(intent: dict[str, Any], call: Request, parts: list[str], name: str) -> bool:
    if len(parts) == 2:
        name = json.loads(call.body or b"{}").get("name")
    elif intent.get("object") == parts[2]:
        return True
    return bool(name) and intent["op"] in {"create", "probe"} and intent.get("expect") == name


def check_invariants(
    harness: Harness,
    prepared: PreparedScenario,
    results: Iterable[RunResult],
    tree: ManifestTree | None = None,
) -> list[str]:
    """Return the broken invariants after the last run; ``tree`` are the manifests to compare with."""
    wanted = (tree or prepared.after).desired
    records = harness.service.deployment.store.list_records()
    results = tuple(results)
    return [
        *_names(records),
        *(line for desired in wanted for line in _held(harness, desired, records)),
        *pairs(
            harness,
            (each for tree in (prepared.first, prepared.before, prepared.after) for each in tree.desired),
        ),
        *_tried(harness, prepared),
        *_generations(harness, prepared, records),
        *_check_unmanaged(prepared, records, wanted),
        *_leftovers(records, wanted, prepared),
        *_silent(harness, prepared),
        *_counted(prepared, results),
    ]


def _names(records: Iterable[StoredRecord]) -> Iterator[str]:
    names = Counter((each.collection, each.name) for each in records if each.is_active)
    yield from (f"I1: {name} stands {count} times" for name, count in names.items() if count > 1)


def _held(harness: Harness, desired: DesiredResource, records: Iterable[StoredRecord]) -> Iterator[str]:
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
    held = harness.service.deployment.decrypt_secrets(record)
    if held != _secrets(desired):
        yield f"I3: {desired.address} holds another secret than git: {sorted(held)}"


def _ids(records: Iterable[StoredRecord]) -> dict[Address, str]:
    return {
        Address(each.collection.removesuffix("s"), each.name): each.id for each in records if each.is_active
    }


def _named(record: StoredRecord, address: Address) -> bool:
    return (record.collection.removesuffix("s"), record.name) == (address.kind, address.name)


def pairs(harness: Harness, stood: Iterable[DesiredResource]) -> Iterator[str]:
    """Yield each secret that was combined with a destination that is not in ``stood``."""
    allowed = {
        (digest_secret("s", value.reveal()), _place(nest_fields(_plain(each))["config"]))
        for each in stood
        for value in each.secrets.values()
    }
    for pair in harness.service.deployment.secret_log.list_pairings("s"):
        if (
            pair["holder"] == pair["credential"]
            and (pair["secret"], _place(pair["destination"])) not in allowed
        ):
            yield "I3: a secret stood beside a destination that no commit put it with"


def _tried(harness: Harness, prepared: PreparedScenario) -> Iterator[str]:
    allowed = {
        (digest_secret("s", value.reveal()), _place(nest_fields(_plain(user))["config"]))
        for tree in (prepared.first, prepared.before, prepared.after)
        for each in tree.desired
        for user in tree.desired
        if each.address in user.fields.values()
        for value in each.secrets.values()
    }
    for pair in harness.service.deployment.secret_log.list_pairings("s"):
        if pair["holder"] == "test" and (pair["secret"], _place(pair["destination"])) not in allowed:
            yield "I3: a test took a secret to a place that no commit put it with"


def _generations(
    harness: Harness, prepared: PreparedScenario, records: Iterable[StoredRecord]
) -> Iterator[str]:
    # Connections may be repointed to the old credential, so it must be complete.
    for record in (each for each in records if each.is_active and OLD_GENERATION in each.name):
        former = [
            each
            for each in prepared.before.desired
            if each.address == Address("credential", record.name.partition(OLD_GENERATION)[0])
        ]
        if not any(
            _whole(record, harness.service.deployment.decrypt_secrets(record), each) for each in former
        ):
            yield f"I3: the old generation {record.name} is not whole"


def _whole(record: StoredRecord, secrets: Mapping[str, Any], desired: DesiredResource) -> bool:
    config, wanted = record.plain_config(), nest_fields(_plain(desired))["config"]
    # Later edits in the UI are allowed.
    same_config = all(config.get(name) in {leaf, "edited"} for name, leaf in wanted.items())
    return secrets == _secrets(desired) and same_config


def _secrets(desired: DesiredResource) -> dict[str, Any]:
    return nest_fields({path: value.reveal() for path, value in desired.secrets.items()})


def _plain(desired: DesiredResource) -> dict[tuple[str, ...], Any]:
    return {path: leaf for path, leaf in desired.fields.items() if path[0] == "config"}


def _place(config: Any) -> tuple[Any, str]:
    # A service may store numbers as text.
    return config.get("host"), str(config.get("port"))


def _check_unmanaged(
    prepared: PreparedScenario, records: Iterable[StoredRecord], wanted: Iterable[DesiredResource]
) -> Iterator[str]:
    now = {each.id: each for each in records}
    ours = {(each.address.kind, each.address.name) for each in wanted}
    for before in prepared.rows:
        made_by_people = before.id.endswith("_ui")
        if made_by_people and now.get(before.id) != before:
            yield f"I4: {before.name} was touched"
        if before.id not in now and (before.collection.removesuffix("s"), before.name) not in ours:
            yield f"I5: {before.name} was purged"


def _leftovers(
    records: Iterable[StoredRecord], wanted: Iterable[DesiredResource], prepared: PreparedScenario
) -> Iterator[str]:
    names = {(each.address.kind, each.address.name) for each in wanted}
    for each in records:
        place = (each.collection.removesuffix("s"), each.name)
        people = each.id.endswith("_ui")
        old = OLD_GENERATION in each.name
        if each.is_active and place not in names and not people and not old:
            yield f"I2: {each.name} is left over"
        if each.name.startswith(PROBE):
            yield f"I5: the probe {each.name} is left over"
    generations = [each.name for each in records if each.is_active and OLD_GENERATION in each.name]
    if len(generations) > sum(
        "replace" in prepared.scenario.name or prepared.scenario.name == "everything" for _ in (0,)
    ):
        yield f"I2: old generations are left over: {generations}"


def _silent(harness: Harness, prepared: PreparedScenario) -> Iterator[str]:
    stored = bytes(harness.memory.journal) + b"".join(blob.data for blob in harness.memory.objects.values())
    for tree in (prepared.before, prepared.after):
        for each in tree.desired:
            for value in each.secrets.values():
                if value.reveal().encode() in stored:
                    yield f"I8: a secret of {each.address} is in the state"


def _counted(prepared: PreparedScenario, results: tuple[RunResult, ...]) -> Iterator[str]:
    for result in results:
        if result.write_count > EXTRA + 3 * len(prepared.after.desired):
            yield f"I10: {result.write_count} writes"
        if isinstance(result.error, DiagnosticError) and result.write_count:
            yield "I11: a write in a run that was refused"
        refused = False
        for each in result.requests:
            if refused and is_write(each["method"], each["path"]):
                yield "I11: a write after the key was refused"
            refused = refused or each["status"] == 401
