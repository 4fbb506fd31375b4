"""Drift to git: what somebody edited in the UI is written back into the manifests, plain fields only."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Address, Origin
from keyturn.core.change import ABSENT, FieldChange
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.diff import field_changes
from keyturn.core.fields import Leaf, Path, flatten
from keyturn.core.protect import matches
from keyturn.core.pulled import Left, Pulled
from keyturn.core.pulling import choose
from keyturn.core.resource import Desired, Known, Live
from keyturn.core.secret import Secret
from keyturn.engine.founding import writer
from keyturn.engine.observe import census, observe, refuse_foreign
from keyturn.engine.opening import Opener
from keyturn.engine.recover import doubted, settle
from keyturn.engine.run import Run
from keyturn.ledger.reading import read_ledger
from keyturn.load.definitions import SEAL, sealed_among
from keyturn.load.files import load_file
from keyturn.load.nodes import Document, read
from keyturn.load.schema import is_valid_manifest
from keyturn.load.seal import bound, expected
from keyturn.load.writing import cuttable

BELOW = 2
"""Keys of a path right below ``config``: no more than such a field goes as a whole."""


class Ask(Struct, frozen=True):
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
    listed = census(run.service, doubted(ledger))
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
    take, stuck = _removable(document, choice.take, desired.address.kind)
    left += stuck
    values: dict[Path, Any] = {_where(field): _value(field) for field in take if field.live != ABSENT}
    gone = _gone(document, take)
    if not is_valid_manifest(_with(document.tree, values, gone), desired.address.kind):
        whole = tuple(Left(field.path, "the schema has no room for the live value") for field in take)
        return replace(pulled, left=(*left, *whole))
    seal = _seal(document, values, gone) if any(field.path in sealed for field in take) else {}
    try:
        if ask.write and take:
            writer(run.project, run.environment).set_values(source.relative, {**values, **seal}, gone)
    except Faulty as faulty:
        why = faulty.findings[0].message
        unwritten = tuple(Left(field.path, f"the file could not be written: {why}") for field in take)
        return replace(pulled, left=(*left, *unwritten))
    return replace(pulled, written=take, left=tuple(left), sealed=bool(seal))


def _removable(
    document: Document, take: tuple[FieldChange, ...], kind: str
) -> tuple[tuple[FieldChange, ...], tuple[Left, ...]]:
    kept, left = [], []
    for field in take:
        why = _stuck(document, field.path, kind) if field.live == ABSENT else ""
        if why:
            left.append(Left(field.path, why))
        else:
            kept.append(field)
    gone = _gone(document, kept)
    if gone and not _with(document.tree, {}, gone).get("config"):
        whole = "it is gone live, and nothing would be left of `config:`: mend the file by hand, or apply"
        left += [Left(field.path, whole) for field in kept if field.live == ABSENT]
        kept = [field for field in kept if field.live != ABSENT]
    return tuple(kept), tuple(left)


def _stuck(document: Document, path: Path, kind: str) -> str:
    if not is_valid_manifest(_with(document.tree, {}, (path,)), kind):
        return "it is gone live, and the manifest cannot be without it: apply to bring it back"
    if path not in document.places or not cuttable(document, path):
        line = document.origin(path).line
        return f"it is gone live: take it out by hand, in line {line}, or apply to bring it back"
    return ""


def _gone(document: Document, take: Iterable[FieldChange]) -> tuple[Path, ...]:
    # A mapping of which every field is gone goes as a whole: YAML has no empty block.
    paths = {field.path for field in take if field.live == ABSENT}
    stays = [path for path in flatten(document.tree) if not any(path[: len(one)] == one for one in paths)]
    found = set()
    for path in paths:
        whole = path
        while len(whole) > BELOW and not any(each[: len(whole) - 1] == whole[:-1] for each in stays):
            whole = whole[:-1]
        found.add(whole)
    return tuple(sorted(found))


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


def _with(tree: Mapping[str, Any], values: Mapping[Path, Leaf], gone: Iterable[Path] = ()) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(tree))
    for path, value in values.items():
        here = changed
        for key in path[:-1]:
            here = here.setdefault(key, {})
        here[path[-1]] = value
    for path in gone:
        here = changed
        for key in path[:-1]:
            here = here.get(key, {})
        here.pop(path[-1], None)
    return changed


def _seal(document: Document, values: Mapping[Path, Leaf], gone: tuple[Path, ...]) -> dict[Path, Secret]:
    if SEAL not in document.tree.get("secrets", {}):
        return {}
    what = bound(document)
    stays = {
        path: leaf for path, leaf in what.fields.items() if not any(path[: len(one)] == one for one in gone)
    }
    moved = {**stays, **{path: value for path, value in values.items() if path[0] == "config"}}
    return {("secrets", SEAL): Secret(expected(replace(what, fields=moved)))}
