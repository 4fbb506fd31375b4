"""One manifest: what the rules see of it, and what is wanted of the service."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path as File
from types import MappingProxyType
from typing import Any, Final

from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.core.fields import Leaf, Path, flatten
from keyturn.core.frozen import frozen
from keyturn.core.resource import EMPTY, Desired, Gist, Lifecycle, Sealed
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


@frozen
class Manifest:
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


def manifest(source: Source, document: Document, workspace: str = "", passed: str = "") -> Manifest:
    """Return what a document means that its schema accepts; ``passed`` as in ``Gist``."""
    return recalled(gist(source, document, passed), source.root, workspace)


def gist(source: Source, document: Document, passed: str = "") -> Gist:
    """Return all that a document says that its schema accepts."""
    tree = document.tree
    hidden = flatten(tree.get("secrets", EMPTY))
    secrets = {path: _digest(text) for path, text in hidden.items() if path != (SEAL,)}
    return Gist(
        file=source.relative,
        digest=source.digest,
        address=address_of(document),
        type=tree["type"],
        fields=MappingProxyType(dict(_fields(tree))),
        secrets=secrets,
        keep=tuple(path for path in map(kept, tree.get("keep", ())) if not secrets.get(path)),
        labels=tree.get("labels", EMPTY),
        lifecycle=_lifecycle(tree),
        waivers=tuple((each["rule"], each["reason"]) for each in tree.get("waive", ())),
        passed=passed,
    )


def recalled(gist: Gist, root: File, workspace: str = "") -> Manifest:
    """Return the manifest that a file below ``root`` holds, from all that the file says."""
    ciphers = {path: digest for path, digest in gist.secrets.items() if digest}
    desired = Desired(
        address=gist.address,
        type=gist.type,
        fields=gist.fields,
        secrets={path: Sealed(digest) for path, digest in ciphers.items()},
        ciphers=ciphers,
        digest=gist.digest,
        origin=Origin(gist.file, 1, 1),
        labels=gist.labels,
        lifecycle=gist.lifecycle,
        keep=gist.keep,
        destination=destination_among(gist.address.kind, gist.type, gist.fields),
        gist=gist if gist.passed else None,
    )
    return Manifest(_subject(gist, ciphers, root, workspace), desired)


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
    return sha256(str(text).encode()).hexdigest() if looks_encrypted(text) else ""


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


def _subject(gist: Gist, ciphers: Mapping[Path, str], root: File, workspace: str) -> Subject:
    return Subject(
        address=gist.address,
        type=gist.type,
        file=gist.file,
        workspace=workspace,
        config={path: leaf for path, leaf in gist.fields.items() if path[0] == "config"},
        labels=gist.labels,
        references={path: leaf for path, leaf in gist.fields.items() if isinstance(leaf, Address)},
        secret_paths=(*gist.secrets, *gist.keep),
        lifecycle=gist.lifecycle,
        waivers=tuple(_waiver(rule, reason, at) for at, (rule, reason) in enumerate(gist.waivers)),
        places=_places(root, gist.file, gist.digest),
        digest=gist.digest,
        ciphers=ciphers,
    )


@lru_cache(maxsize=4096)
def _waiver(rule: str, reason: str, at: int) -> Waiver:
    return Waiver(rule, reason, ("waive", str(at), "rule"))


def _places(root: File, relative: str, digest: str) -> Places:
    # Ten thousand texts need not stay in memory for the few files in which a rule finds something.

    def measure() -> dict[Path, Place]:
        try:
            again = load_file(root, relative)
            return dict(read(again.data, relative).places) if again.digest == digest else {}
        except Faulty:
            return {}

    return Places(measure)
