"""One manifest: what the rules see of it, and what is wanted of the service."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.core.fields import Leaf, Path, flatten
from keyturn.core.resource import EMPTY, Desired, Lifecycle, Sealed
from keyturn.load.ciphertext import looks_encrypted
from keyturn.load.definitions import SEAL, destination_among, kept, leaves, referring
from keyturn.load.files import Source, load_file, stem
from keyturn.load.findings import fault
from keyturn.load.nodes import Document, read
from keyturn.load.places import Place, Places
from keyturn.policy.reading import days
from keyturn.policy.subject import Subject, Waiver

GRACE: Final = 7
"""Days that a replaced credential stays, where the manifest does not say."""


class Manifest(Struct, frozen=True):
    """A manifest that fits its schema, read two ways."""

    subject: Subject
    desired: Desired


def address_of(document: Document) -> Address:
    """Return the address that a manifest states, right or not; raises KeyError where it states none."""
    return Address(str(document.tree["kind"]), str(document.tree["name"]))


def misnamed(document: Document) -> tuple[Diagnostic, ...]:
    """Return the finding that a manifest is not called after its file, if that is so.

    KT254 (integrity) where the file is encrypted: SOPS does not bind a file to its name, so that a
    copy under another name opens. KT141 where it is not.
    """
    name = document.tree.get("name")
    called = stem(document.file)
    if not isinstance(name, str) or name == called:
        return ()
    origin = document.origin(("name",))
    hint = f"rename the file to {name}.yaml, or make the name {called} and keep the old one in moved_from"
    if "sops" in document.tree:
        message = f"an encrypted manifest stands in a file of another name ({called})"
        return (fault("KT254", origin, message, f"if it was copied, remove the copy; else {hint}"),)
    return (fault("KT141", origin, f"the name is not that of the file ({called})", hint),)


def build_manifest(source: Source, document: Document, workspace: str = "") -> Manifest:
    """Return what a document means that its schema accepts."""
    tree = document.tree
    address = address_of(document)
    fields = MappingProxyType(dict(_fields(tree)))
    hidden = {path: text for path, text in flatten(tree.get("secrets", EMPTY)).items() if path != (SEAL,)}
    ciphers = {path: _digest(text) for path, text in hidden.items() if looks_encrypted(text)}
    desired = Desired(
        address=address,
        type=tree["type"],
        fields=fields,
        secrets={path: Sealed(digest) for path, digest in ciphers.items()},
        ciphers=ciphers,
        digest=source.digest,
        origin=Origin(source.relative, 1, 1),
        labels=tree.get("labels", EMPTY),
        lifecycle=_lifecycle(tree),
        keep=tuple(path for path in map(kept, tree.get("keep", ())) if path not in ciphers),
        destination=destination_among(address.kind, tree["type"], fields),
    )
    return Manifest(_build_subject(source, document, desired, (*hidden, *desired.keep), workspace), desired)


def _fields(tree: Mapping[str, Any]) -> list[tuple[Path, Leaf]]:
    found: list[tuple[Path, Leaf]] = []
    if "credential" in tree:
        found.append((("credential",), Address("credential", tree["credential"])))
    if "category" in tree:
        found.append((("category",), tree["category"]))
    for path, value in leaves(tree.get("config", EMPTY)):
        reference = referring(value)
        found.append((path, value if reference is None else Address.parse(reference)))
    return found


def _digest(text: object) -> str:
    return sha256(str(text).encode()).hexdigest()


def _lifecycle(tree: Mapping[str, Any]) -> Lifecycle:
    rotation, life = tree.get("rotation", EMPTY), tree.get("lifecycle", EMPTY)
    turning = (rotation.get("max_age", ""), rotation.get("strategy", "verify"), rotation.get("grace", ""))
    return _life(turning, life.get("protect", False), tree.get("moved_from", ""))


@lru_cache(maxsize=4096)  # the manifests of a repository live by the same few rules
def _life(turning: tuple[str, str, str], protect: bool, moved_from: str) -> Lifecycle:  # noqa: FBT001
    max_age, strategy, grace = turning
    kept = days(grace)
    return Lifecycle(
        protect=protect,
        moved_from=moved_from,
        max_age_days=days(max_age) or 0,
        strategy=strategy,
        grace_days=GRACE if kept is None else kept,
    )


def _build_subject(
    source: Source, document: Document, desired: Desired, secret_paths: tuple[Path, ...], workspace: str
) -> Subject:
    waivers = document.tree.get("waive", ())
    return Subject(
        address=desired.address,
        type=desired.type,
        file=source.relative,
        workspace=workspace,
        config={path: leaf for path, leaf in desired.fields.items() if path[0] == "config"},
        labels=desired.labels,
        references={path: leaf for path, leaf in desired.fields.items() if isinstance(leaf, Address)},
        secret_paths=secret_paths,
        lifecycle=desired.lifecycle,
        waivers=tuple(_waiver(each["rule"], each["reason"], at) for at, each in enumerate(waivers)),
        places=_places(source),
        digest=desired.digest,
        ciphers=desired.ciphers,
    )


@lru_cache(maxsize=4096)
def _waiver(rule: str, reason: str, at: int) -> Waiver:
    return Waiver(rule, reason, ("waive", str(at), "rule"))


def _places(source: Source) -> Places:
    # Ten thousand texts need not stay in memory for the few files in which a rule finds something.
    root, relative, digest = source.root, source.relative, source.digest

    def measure() -> dict[Path, Place]:
        try:
            again = load_file(root, relative)
            return dict(read(again.data, relative).places) if again.digest == digest else {}
        except Faulty:
            return {}

    return Places(measure)
