"""Drift to git: what somebody edited in the UI is written back into the manifests, plain fields only."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from keyturn.core.address import Address, Origin
from keyturn.core.change import FieldChange
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.diff import field_changes
from keyturn.core.fields import Leaf, Path
from keyturn.core.protect import matches
from keyturn.core.pulled import Left, Pulled
from keyturn.core.pulling import choose
from keyturn.core.resource import Desired, Known, Live
from keyturn.core.secret import Secret
from keyturn.engine.founding import writer
from keyturn.engine.observe import census, observe, refuse_foreign
from keyturn.engine.opening import Opener
from keyturn.engine.recover import settle
from keyturn.engine.run import Run
from keyturn.ledger.reading import read_ledger
from keyturn.load.definitions import SEAL, schema, sealed_among
from keyturn.load.files import Source, load_file
from keyturn.load.nodes import Document, read
from keyturn.load.seal import bound, expected
from keyturn.load.shape import compiled


@dataclass(frozen=True, slots=True)
class Ask:
    """What is pulled: names or patterns (none: everything), consents by credential, writing or not."""

    names: tuple[str, ...] = ()
    agreed: frozenset[str] = frozenset()
    write: bool = True


def pull(run: Run, ask: Ask) -> tuple[Pulled, ...]:
    """Write live values that drifted back into the manifests; return what was done, by address.

    Comments, order and ciphertext stay as they are. A file that cannot be written as meant is left
    whole, and says why. Raises Faulty KT071 for a name that means nothing, and what loading,
    ledger and service raise.
    """
    loaded = Opener.of(run).load()
    chosen = _chosen(loaded.desired, ask.names)
    refuse_foreign(run.service, run.workspace.organization)
    ledger = read_ledger(run.store, run.workspace.name, run.workspace.organization).ledger
    listed = census(run.service)
    entries = settle(ledger, listed).entries
    live = observe(run.service, listed, chosen, entries)
    names = {known.id: address for address, known in entries.items()}
    found = []
    for desired in sorted(chosen, key=lambda each: each.address):
        known = entries.get(desired.address)
        now = live.get(known.id) if known and not known.retired_at else None
        if known and now and now.status != "deleted":
            pulled = _one(run, ask, (desired, known, now), names)
            found.append(pulled)
    return tuple(each for each in found if each.written or each.left)


def _chosen(desired: Iterable[Desired], names: tuple[str, ...]) -> list[Desired]:
    everything = list(desired)
    for name in names:
        if not any(matches(each.address, name) for each in everything):
            raise Faulty(
                Diagnostic(
                    code="KT071",
                    severity=Severity.ERROR,
                    message=f"there is no manifest {name}",
                    origin=Origin("manifests"),
                    hint="write credential/NAME, connection/NAME, a bare name or a pattern such as 'prod-*'",
                )
            )
    return [each for each in everything if not names or any(matches(each.address, name) for name in names)]


def _one(run: Run, ask: Ask, sides: tuple[Desired, Known, Live], names: Mapping[str, Address]) -> Pulled:
    desired, known, live = sides
    fields = field_changes(desired, known, live, names)
    sealed = _guarding(desired, fields)
    choice = choose(desired, live, fields, sealed, ask.agreed)
    left = list(choice.left)
    if live.address != desired.address:
        left.append(Left(("name",), f"it is called {live.address.name} live: rename the manifest, or apply"))
    pulled = Pulled(address=desired.address, file=desired.origin.file, left=tuple(left))
    if not choice.take:
        return pulled
    source = load_file(run.root, desired.origin.file)
    document = read(source.data, source.relative)
    values = {_where(field): _value(field) for field in choice.take}
    if not compiled(schema(desired.address.kind))(_with(document.tree, values)):
        whole = tuple(Left(field.path, "the schema has no room for the live value") for field in choice.take)
        return replace(pulled, left=(*left, *whole))
    seal = _seal(document, values) if any(field.path in sealed for field in choice.take) else {}
    try:
        if ask.write:
            _write(run, source, {**values, **seal})
    except Faulty as faulty:
        why = faulty.findings[0].message
        unwritten = tuple(Left(field.path, f"the file could not be written: {why}") for field in choice.take)
        return replace(pulled, left=(*left, *unwritten))
    return replace(pulled, written=choice.take, sealed=bool(seal))


def _guarding(desired: Desired, fields: tuple[FieldChange, ...]) -> frozenset[Path]:
    if desired.address.kind == "connection":
        return desired.destination
    paths = [field.path for field in fields]
    return frozenset(sealed_among(desired.address.kind, desired.type, paths))


def _where(field: FieldChange) -> Path:
    in_config = isinstance(field.live, Address) and field.path[0] == "config"
    return (*field.path, "ref") if in_config else field.path


def _value(field: FieldChange) -> Leaf:
    if isinstance(field.live, Address):
        return str(field.live) if field.path[0] == "config" else field.live.name
    return field.live


def _with(tree: Mapping[str, Any], values: Mapping[Path, Leaf]) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(tree))
    for path, value in values.items():
        here = changed
        for key in path[:-1]:
            here = here.setdefault(key, {})
        here[path[-1]] = value
    return changed


def _seal(document: Document, values: Mapping[Path, Leaf]) -> dict[Path, Secret]:
    if SEAL not in document.tree.get("secrets", {}):
        return {}
    what = bound(document)
    moved = {**what.fields, **{path: value for path, value in values.items() if path[0] == "config"}}
    return {("secrets", SEAL): Secret(expected(replace(what, fields=moved)))}


def _write(run: Run, source: Source, values: Mapping[Path, Any]) -> None:
    writer(run.project, run.environment).set_values(source.relative, values)
