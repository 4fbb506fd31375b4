"""Live to git: what was made in the UI becomes manifests, and the ledger takes it in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keyturn.core.address import Address
from keyturn.core.fields import nest
from keyturn.core.outcome import Ending
from keyturn.core.protect import matches
from keyturn.core.resource import EMPTY, Known, Live
from keyturn.engine.observe import READERS, census, refuse_foreign, side_by_side
from keyturn.engine.run import Run
from keyturn.kinds import KINDS
from keyturn.ledger.event import Finished
from keyturn.ledger.journal import open_journal
from keyturn.ledger.lock import Holder, acquire
from keyturn.ledger.reading import Reading, compact, read_ledger
from keyturn.load.drafting import draft
from keyturn.load.files import load_file
from keyturn.load.manifest import manifest
from keyturn.load.nodes import read

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?", re.ASCII)
LEASE = 300.0


@dataclass(frozen=True, slots=True)
class Imported:
    """One object: the file that was written for it, or why there is none; ``notes`` for the reader."""

    address: Address
    file: str
    trouble: str = ""
    notes: tuple[str, ...] = ()


def bring_in(run: Run, names: Iterable[str]) -> tuple[Imported, ...]:
    """Write a manifest for each live object that git does not have, and adopt it; names may be patterns.

    Never overwrites a file. Raises what the lock, the ledger and the service raise.
    """
    refuse_foreign(run.service, run.workspace.organization)
    author = run.author
    holder = Holder(id=run.fresh(), who=author.who, host=author.host, ttl=LEASE)
    lease = acquire(run.store, holder, run.clock)
    try:
        reading = read_ledger(run.store, run.workspace.name, run.workspace.organization)
        return _bring_in(run, reading, tuple(names))
    finally:
        if lease.valid():
            lease.release()


def _bring_in(run: Run, reading: Reading, names: tuple[str, ...]) -> tuple[Imported, ...]:
    listed = [each for each in census(run.service) if each.status != "deleted"]
    ours = {known.id for known in reading.ledger.entries.values() if not known.retired_at}
    wanted = [each for each in listed if each.id not in ours and _named(each.address, names)]
    whole = side_by_side(lambda each: _whole(each, run), wanted, READERS)
    addresses = {each.id: each.address for each in listed}
    journal = open_journal(run.store, reading.ledger, reading.torn, run.clock)
    results = []
    for live in sorted(whole, key=lambda each: each.address):
        trouble = _unusable(live, listed, run)
        results.append(Imported(live.address, "", trouble) if trouble else _written(live, addresses, run))
        if results[-1].file:
            entry = _entry(live, results[-1].file, run)
            journal.enqueue(
                Finished(intent="", address=live.address, action="import", ending=Ending.DONE, entry=entry)
            )
    compact(run.store, reading, journal)
    return tuple(results)


def _named(address: Address, names: tuple[str, ...]) -> bool:
    return not names or any(matches(address, name) for name in names)


def _whole(live: Live, run: Run) -> Live:
    kind = KINDS[live.address.kind]
    return live if live.detailed else kind.decode(run.service.fetch(kind.collection, live.id))


def _unusable(live: Live, listed: Iterable[Live], run: Run) -> str:
    if not _NAME.fullmatch(live.address.name):
        return "its name cannot be the name of a file; rename it in Planasonix first"
    twins = [each.id for each in listed if each.address == live.address]
    if len(twins) > 1:
        return f"its name stands for {len(twins)} objects: {', '.join(sorted(twins))}"
    if (run.root / _file(live, run)).exists():
        return f"{_file(live, run)} is there already, for another object"
    return ""


def _file(live: Live, run: Run) -> str:
    return f"{run.workspace.manifests[0]}/{live.address.kind}s/{live.address.name}.yaml"


def _written(live: Live, addresses: Mapping[str, Address], run: Run) -> Imported:
    drafted = draft(live, _tree(live, addresses, run))
    if drafted is None:
        message = f"its type {live.type} with these fields does not fit the schema; write it by hand"
        return Imported(live.address, "", message)
    path = run.root / _file(live, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(drafted.text)
    notes = [f"{field} is not ours to manage and was left out" for field in drafted.left_out]
    if drafted.tree.get("keep"):
        kept = ", ".join(drafted.tree["keep"])
        notes.append(f"{kept} keeps its live value until `keyturn secret set` writes it into git")
    return Imported(live.address, _file(live, run), notes=tuple(notes))


def _tree(live: Live, addresses: Mapping[str, Address], run: Run) -> dict[str, Any]:
    fields = {path: _reference(leaf, addresses) for path, leaf in live.fields.items() if path[0] == "config"}
    tree: dict[str, Any] = {
        "kind": live.address.kind,
        "name": live.address.name,
        "type": live.type,
        "labels": _labels(live, run),
    }
    used = addresses.get(str(live.fields.get(("credential",), "")))
    if used:
        tree["credential"] = used.name
    if ("category",) in live.fields:
        tree["category"] = live.fields[("category",)]
    return tree | {"config": nest(fields).get("config", {})}


def _reference(leaf: object, addresses: Mapping[str, Address]) -> object:
    found = addresses.get(leaf) if isinstance(leaf, str) else None
    return {"ref": str(found)} if found else leaf


def _labels(live: Live, run: Run) -> dict[str, str]:
    prefixes = run.project.policy.environments
    environment = next(
        (name for name, each in prefixes.items() if live.address.name.startswith(each.prefix)),
        run.workspace.name,
    )
    guesses = {"environment": environment, "system": live.type}
    wanted = run.project.policy.required_labels or tuple(guesses)
    return {label: guesses.get(label, "unassigned") for label in wanted}


def _entry(live: Live, file: str, run: Run) -> Known:
    source = load_file(run.root, file)
    desired = manifest(source, read(source.data, source.relative)).desired
    return Known(
        address=live.address,
        id=live.id,
        type=live.type,
        digest=source.digest,
        applied=desired.fields,
        observed={path: live.fields[path] for path in desired.fields if path in live.fields},
        fingerprints=EMPTY,
        updated_at=live.updated_at,
        commit=run.author.commit,
    )
