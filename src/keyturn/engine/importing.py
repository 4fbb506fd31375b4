"""Live to git: what was made in the UI becomes manifests, and the ledger takes it in."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.core.address import Address, Origin
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.fields import dotted, nest
from keyturn.core.imported import Imported
from keyturn.core.outcome import Ending
from keyturn.core.protect import matches
from keyturn.core.resource import EMPTY, Known, Live
from keyturn.engine.entry import observed
from keyturn.engine.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.engine.impact import linked_at_all
from keyturn.engine.observe import READERS, census, refuse_foreign
from keyturn.engine.run import Run
from keyturn.engine.templates import SCHEMAS, modeline
from keyturn.engine.together import side_by_side
from keyturn.kinds import KINDS
from keyturn.ledger.event import Finished
from keyturn.load.desired import load
from keyturn.load.drafting import draft
from keyturn.load.files import load_file
from keyturn.load.manifest import build_manifest
from keyturn.load.nodes import read
from keyturn.load.retyping import retyped
from keyturn.policy.environments import by_prefix
from keyturn.policy.settings import covers

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?", re.ASCII)


class Order(Struct, frozen=True):
    """What is imported and where to: names or patterns (none: everything).

    ``folders`` gives the folder of names that begin with a prefix, the longest prefix first in
    line; ``credentials`` the credential of a connection by its name, for deployments that do not
    say which one it uses.
    """

    names: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    credentials: Mapping[str, str] = field(default_factory=lambda: EMPTY)


def bring_in(run: Run, order: Order) -> tuple[Imported, ...]:
    """Write a manifest for each live object that git does not have, and adopt it.

    Never overwrites a file. Raises Faulty KT073 for a folder that no plan would look into, and
    what the lock, the ledger and the service raise.
    """
    for folder in order.folders.values():
        if not any(covers(each, folder) for each in run.workspace.manifests):
            raise Faulty(_astray(folder, run))
    refuse_foreign(run.service, run.workspace.organization)
    with exclusive_run(run, "import") as held:
        return _bring_in(run, held, order)


def _astray(folder: str, run: Run) -> Diagnostic:
    return Diagnostic(
        code="KT073",
        severity=Severity.ERROR,
        message=f"{folder} is no folder of workspace {run.workspace.name}",
        origin=Origin("--map"),
        hint=f"choose one below {', '.join(run.workspace.manifests)}, or add it under `manifests:`",
    )


def _bring_in(run: Run, held: ExclusiveRun, order: Order) -> tuple[Imported, ...]:
    reading = held.read_ledger()
    listed = [each for each in census(run.service) if each.status != "deleted"]
    ours = {known.id for known in reading.ledger.entries.values() if not known.retired_at}
    wanted = [each for each in listed if each.id not in ours and _named(each.address, order.names)]
    whole = side_by_side(lambda each: _whole(each, run), wanted, READERS)
    linked = linked_at_all({each.id: each for each in listed})
    scene = _Scene(run, order, {each.id: each.address for each in listed}, _described(run), linked)
    journal = held.begin_journal(reading)
    results = []
    for live in sorted(whole, key=lambda each: each.address):
        trouble = _unusable(live, listed, scene)
        results.append(Imported(live.address, "", trouble) if trouble else _written(live, scene))
        if results[-1].file:
            entry = _entry(live, results[-1].file, run)
            journal.enqueue(
                Finished(intent="", address=live.address, action="import", ending=Ending.DONE, entry=entry)
            )
    written = sum(bool(each.file) for each in results)
    held.end_journal({"done": written, "skipped": len(results) - written})
    return tuple(results)


class _Scene(Struct, frozen=True):
    """What one import works with: ``addresses`` by id, ``described`` the file of each address in git.

    ``linked`` tells whether this deployment says which credential a connection uses.
    """

    run: Run
    order: Order
    addresses: Mapping[str, Address]
    described: Mapping[Address, str]
    linked: bool


def _described(run: Run) -> Mapping[Address, str]:
    # Of every workspace: two environments of one repository may share an organization.
    found: dict[Address, str] = {}
    for workspace in run.project.workspaces.values():
        for each in load(run.project, workspace).subjects:
            if each.address not in found or workspace.name == run.workspace.name:
                found[each.address] = each.file
    return found


def _named(address: Address, names: tuple[str, ...]) -> bool:
    return not names or any(matches(address, name) for name in names)


def _whole(live: Live, run: Run) -> Live:
    kind = KINDS[live.address.kind]
    return live if live.detailed else kind.decode(run.service.fetch(kind.collection, live.id))


def _unusable(live: Live, listed: Iterable[Live], scene: _Scene) -> str:
    if not _NAME.fullmatch(live.address.name):
        return "its name cannot be the name of a file; rename it in Planasonix first"
    twins = [each.id for each in listed if each.address == live.address]
    if len(twins) > 1:
        return f"its name stands for {counted(len(twins), 'object')}: {', '.join(sorted(twins))}"
    if live.address in scene.described:
        adopt = f"`keyturn apply --adopt {live.address.name}` takes the object over"
        return f"{scene.described[live.address]} describes one of this name already: {adopt}"
    if (scene.run.root / _file(live, scene)).exists():
        return f"{_file(live, scene)} is there already, for another object"
    return ""


def _file(live: Live, scene: _Scene) -> str:
    return f"{_folder(live.address.name, scene)}/{live.address.kind}s/{live.address.name}.yaml"


def _folder(name: str, scene: _Scene) -> str:
    prefixes = sorted(scene.order.folders, key=len, reverse=True)
    mapped = next((each for each in prefixes if name.startswith(each)), None)
    if mapped is not None:
        return scene.order.folders[mapped].rstrip("/")
    folders = scene.run.workspace.manifests
    environment = by_prefix(name, scene.run.project.policy)
    return next((each for each in folders if each.rpartition("/")[2] == environment), folders[0])


def _written(live: Live, scene: _Scene) -> Imported:
    run = scene.run
    # As it is, or with text read as the schema means it: some deployments answer everything as text.
    plain = replace(live, fields=retyped(live.address.kind, live.type, live.fields))
    drafted = draft(live, _tree(live, scene)) or draft(plain, _tree(plain, scene))
    if drafted is None:
        message = f"its type {live.type} with these fields does not fit the schema; write it by hand"
        return Imported(live.address, "", message)
    file = _file(live, scene)
    # Where `init` put the schemas, each manifest leads an editor to its own.
    schemas = (run.root / SCHEMAS[live.address.kind]).is_file()
    (run.root / file).parent.mkdir(parents=True, exist_ok=True)
    with (run.root / file).open("x", encoding="utf-8") as target:
        target.write((modeline(live.address.kind, file) if schemas else "") + drafted.text)
    notes = [f"{field} is not ours to manage and was left out" for field in drafted.left_out]
    if drafted.tree.get("keep"):
        kept = ", ".join(drafted.tree["keep"])
        notes.append(f"{kept} keeps its live value until `keyturn secret set` writes it into git")
    if live.address.kind == "connection" and not scene.linked and "credential" not in drafted.tree:
        notes.append("which credential it uses is not shown here: write it, or use --credential")
    for hidden in live.suspicious:
        if dotted(hidden[1:]) not in drafted.tree.get("keep", ()):
            shown = "the service shows a mask or what looks like a secret there"
            notes.append(f"{dotted(hidden)}: {shown}; it was left out")
    return Imported(live.address, file, notes=tuple(notes))


def _tree(live: Live, scene: _Scene) -> dict[str, Any]:
    run, addresses = scene.run, scene.addresses
    fields = {path: _reference(leaf, addresses) for path, leaf in live.fields.items() if path[0] == "config"}
    tree: dict[str, Any] = {
        "kind": live.address.kind,
        "name": live.address.name,
        "type": live.type,
        "labels": _labels(live, run),
    }
    used = addresses.get(str(live.fields.get(("credential",), "")))
    told = scene.order.credentials.get(live.address.name) if live.address.kind == "connection" else None
    if used or told:
        tree["credential"] = used.name if used else told
    if ("category",) in live.fields:
        tree["category"] = live.fields[("category",)]
    return tree | {"config": nest(fields).get("config", {})}


def _reference(leaf: object, addresses: Mapping[str, Address]) -> object:
    found = addresses.get(leaf) if isinstance(leaf, str) else None
    return {"ref": str(found)} if found else leaf


def _labels(live: Live, run: Run) -> dict[str, str]:
    environment = by_prefix(live.address.name, run.project.policy) or run.workspace.name
    known = run.project.policy.environments
    prefix = known[environment].prefix if environment in known else ""
    system = live.address.name.removeprefix(prefix).partition("-")[0]
    guesses = {"environment": environment, "system": system}
    wanted = run.project.policy.required_labels or tuple(guesses)
    return {label: guesses.get(label, "unassigned") for label in wanted}


def _entry(live: Live, file: str, run: Run) -> Known:
    source = load_file(run.root, file)
    desired = build_manifest(source, read(source.data, source.relative)).desired
    return Known(
        address=live.address,
        id=live.id,
        type=live.type,
        digest=source.digest,
        applied=desired.fields,
        observed=observed(desired, live, None),
        fingerprints=EMPTY,
        updated_at=live.updated_at,
        commit=run.author.commit,
    )
