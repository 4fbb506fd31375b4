"""One manifest: what the rules see of it, and what is wanted of the service."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from keyturn.files.discovery import SourceFile, load_file, manifest_name
from keyturn.model.address import Address, SourceLocation
from keyturn.model.config_reader import parse_days
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath, Leaf, flatten_tree
from keyturn.model.resource import EMPTY, DesiredResource, EncryptedSecret, Lifecycle
from keyturn.policy.resource_view import ResourceView, Waiver
from keyturn.schema.definitions import (
    SEAL_FIELD,
    reference_target,
    secret_path,
    select_destinations,
    walk_config_leaves,
)
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.yamldoc.reader import Document, SourceSpan, SpanIndex, parse_document

DEFAULT_GRACE_DAYS: Final = 7
"""Days that a replaced credential stays, where the manifest does not say."""


class Manifest(Struct, frozen=True):
    """A manifest that fits its schema, read two ways."""

    resource_view: ResourceView
    desired: DesiredResource


def read_address(document: Document) -> Address:
    """Return the address that a manifest states, right or not; raises KeyError where it states none."""
    return Address(str(document.tree["kind"]), str(document.tree["name"]))


def check_name(document: Document) -> tuple[Diagnostic, ...]:
    """Return the finding that a manifest is not called after its file, if that is so.

    KT254 (integrity) where the file is encrypted: SOPS does not bind a file to its name, so that a
    copy under another name opens. KT141 where it is not.
    """
    name = document.tree.get("name")
    called = manifest_name(document.file)
    if not isinstance(name, str) or name == called:
        return ()
    origin = document.find_location(("name",))
    hint = f"rename the file to {name}.yaml, or make the name {called} and keep the old one in moved_from"
    if "sops" in document.tree:
        message = f"an encrypted manifest stands in a file of another name ({called})"
        return (
            error_diagnostic("KT254", origin, message, f"if it was copied, remove the copy; else {hint}"),
        )
    return (error_diagnostic("KT141", origin, f"the name is not that of the file ({called})", hint),)


def build_manifest(source: SourceFile, document: Document, workspace: str = "") -> Manifest:
    """Return what a document means that its schema accepts."""
    tree = document.tree
    address = read_address(document)
    fields = MappingProxyType(dict(_flatten_fields(tree)))
    hidden = {
        path: text for path, text in flatten_tree(tree.get("secrets", EMPTY)).items() if path != (SEAL_FIELD,)
    }
    ciphers = {path: _digest_ciphertext(text) for path, text in hidden.items() if looks_encrypted(text)}
    desired = DesiredResource(
        address=address,
        type=tree["type"],
        fields=fields,
        secrets={path: EncryptedSecret(digest) for path, digest in ciphers.items()},
        ciphertext_digests=ciphers,
        digest=source.digest,
        origin=SourceLocation(source.relative, 1, 1),
        labels=tree.get("labels", EMPTY),
        lifecycle=_read_lifecycle(tree),
        kept_secrets=tuple(path for path in map(secret_path, tree.get("keep", ())) if path not in ciphers),
        destination_paths=select_destinations(address.kind, tree["type"], fields),
    )
    return Manifest(
        _build_resource_view(source, document, desired, (*hidden, *desired.kept_secrets), workspace), desired
    )


def _flatten_fields(tree: Mapping[str, Any]) -> list[tuple[FieldPath, Leaf]]:
    found: list[tuple[FieldPath, Leaf]] = []
    if "credential" in tree:
        found.append((("credential",), Address("credential", tree["credential"])))
    if "category" in tree:
        found.append((("category",), tree["category"]))
    for path, value in walk_config_leaves(tree.get("config", EMPTY)):
        reference = reference_target(value)
        found.append((path, value if reference is None else Address.parse(reference)))
    return found


def _digest_ciphertext(text: object) -> str:
    return sha256(str(text).encode()).hexdigest()


def _read_lifecycle(tree: Mapping[str, Any]) -> Lifecycle:
    rotation, life = tree.get("rotation", EMPTY), tree.get("lifecycle", EMPTY)
    turning = (rotation.get("max_age", ""), rotation.get("strategy", "verify"), rotation.get("grace", ""))
    return _build_lifecycle(turning, life.get("protect", False), tree.get("moved_from", ""))


@lru_cache(maxsize=4096)  # the manifests of a repository live by the same few rules
def _build_lifecycle(turning: tuple[str, str, str], protect: bool, moved_from: str) -> Lifecycle:  # noqa: FBT001
    max_age, strategy, grace = turning
    kept = parse_days(grace)
    return Lifecycle(
        protect=protect,
        moved_from=moved_from,
        max_age_days=parse_days(max_age) or 0,
        strategy=strategy,
        grace_days=DEFAULT_GRACE_DAYS if kept is None else kept,
    )


def _build_resource_view(
    source: SourceFile,
    document: Document,
    desired: DesiredResource,
    secret_paths: tuple[FieldPath, ...],
    workspace: str,
) -> ResourceView:
    waivers = document.tree.get("waive", ())
    return ResourceView(
        address=desired.address,
        type=desired.type,
        file=source.relative,
        workspace=workspace,
        config={path: leaf for path, leaf in desired.fields.items() if path[0] == "config"},
        labels=desired.labels,
        references={path: leaf for path, leaf in desired.fields.items() if isinstance(leaf, Address)},
        secret_paths=secret_paths,
        lifecycle=desired.lifecycle,
        waivers=tuple(_build_waiver(each["rule"], each["reason"], at) for at, each in enumerate(waivers)),
        spans=_index_spans(source),
        digest=desired.digest,
        ciphertext_digests=desired.ciphertext_digests,
    )


@lru_cache(maxsize=4096)
def _build_waiver(rule: str, reason: str, at: int) -> Waiver:
    return Waiver(rule, reason, ("waive", str(at), "rule"))


def _index_spans(source: SourceFile) -> SpanIndex:
    # Ten thousand texts need not stay in memory for the few files in which a rule finds something.
    root, relative, digest = source.root, source.relative, source.digest

    def measure_spans() -> dict[FieldPath, SourceSpan]:
        try:
            again = load_file(root, relative)
            return dict(parse_document(again.data, relative).spans) if again.digest == digest else {}
        except DiagnosticError:
            return {}

    return SpanIndex(measure_spans)
