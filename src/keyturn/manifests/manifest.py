"""Builds a resource from one manifest: the view for policy rules and the desired state."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile, load_file, manifest_name
from keyturn.model.address import Address, SourceLocation
from keyturn.model.config_reader import parse_days
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath, Leaf, flatten_tree
from keyturn.model.resource import EMPTY, DesiredResource, EncryptedSecret, Lifecycle
from keyturn.policy.resource_view import ResourceView, Waiver
from keyturn.schema.definitions import (
    SEAL_FIELD,
    parse_secret_path,
    reference_target,
    select_destinations,
    select_unexpected_texts,
    walk_config_leaves,
)
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.sops.data_keys import compute_key_traces, compute_mac_trace
from keyturn.yamldoc.reader import Document, SourceSpan, SpanIndex, parse_document

DEFAULT_GRACE_DAYS: Final = 7
"""The default of days before a replaced credential is retired."""


class Manifest(Struct, frozen=True):
    """A valid manifest: the view for policy rules and the desired resource."""

    resource_view: ResourceView
    desired: DesiredResource


def read_address(document: Document) -> Address:
    """Return the address in a manifest, which may be invalid; raises KeyError without kind or name."""
    return Address(str(document.tree["kind"]), str(document.tree["name"]))


def check_name(document: Document) -> tuple[Diagnostic, ...]:
    """Return KT254 or KT141 if the name of a manifest differs from that of its file.

    KT254 (integrity) is for encrypted files: SOPS does not bind a file to its name, so a copy under
    another name decrypts. KT141 is for plain files.
    """
    name = document.tree.get("name")
    file_name = manifest_name(document.file)
    if not isinstance(name, str) or name == file_name:
        return ()
    origin = document.find_location(("name",))
    hint = (
        f"rename the file to {name}.yaml, or change the name to {file_name} and put the old one in moved_from"
    )
    if "sops" in document.tree:
        message = f"the name differs from that of the encrypted file ({file_name})"
        return (
            error_diagnostic("KT254", origin, message, f"if it was copied, remove the copy; else {hint}"),
        )
    return (error_diagnostic("KT141", origin, f"the name differs from that of the file ({file_name})", hint),)


def build_manifest(
    source: SourceFile, document: Document, workspace: str = "", *, keep_text: bool = False
) -> Manifest:
    """Build the manifest of a document that matches its schema.

    With ``keep_text``, locations are those of the document, not of the file in the working tree.
    """
    tree = document.tree
    address = read_address(document)
    fields = MappingProxyType(dict(_flatten_fields(tree)))
    secrets = {
        path: text for path, text in flatten_tree(tree.get("secrets", EMPTY)).items() if path != (SEAL_FIELD,)
    }
    digests = {path: _digest_ciphertext(text) for path, text in secrets.items() if looks_encrypted(text)}
    desired = DesiredResource(
        address=address,
        type=tree["type"],
        fields=fields,
        secrets={path: EncryptedSecret(digest) for path, digest in digests.items()},
        ciphertext_digests=digests,
        digest=source.digest,
        origin=SourceLocation(source.relative, 1, 1),
        labels=tree.get("labels", EMPTY),
        lifecycle=_read_lifecycle(tree),
        kept_secrets=tuple(
            path for path in map(parse_secret_path, tree.get("keep", ())) if path not in digests
        ),
        destination_paths=select_destinations(address.kind, tree["type"], fields),
        seal=tree.get("seal", EMPTY),
    )
    view = _build_resource_view(source, document, desired, (*secrets, *desired.kept_secrets), workspace)
    return Manifest(replace(view, spans=document.spans) if keep_text else view, desired)


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
    rotation, lifecycle = tree.get("rotation", EMPTY), tree.get("lifecycle", EMPTY)
    return _build_lifecycle(
        rotation.get("max_age", ""),
        rotation.get("strategy", "verify"),
        rotation.get("grace", ""),
        protect=lifecycle.get("protect", False),
        moved_from=tree.get("moved_from", ""),
    )


@lru_cache(maxsize=4096)  # few combinations occur in a repository
def _build_lifecycle(max_age: str, strategy: str, grace: str, *, protect: bool, moved_from: str) -> Lifecycle:
    grace_days = parse_days(grace)
    return Lifecycle(
        protect=protect,
        moved_from=moved_from,
        max_age_days=parse_days(max_age) or 0,
        strategy=strategy,
        grace_days=DEFAULT_GRACE_DAYS if grace_days is None else grace_days,
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
        unexpected_texts=select_unexpected_texts(desired.address.kind, desired.type, desired.fields),
        lifecycle=desired.lifecycle,
        waivers=tuple(
            _build_waiver(waiver["rule"], waiver["reason"], index) for index, waiver in enumerate(waivers)
        ),
        spans=_index_spans(source),
        digest=desired.digest,
        ciphertext_digests=desired.ciphertext_digests,
        key_traces=compute_key_traces(document) if "sops" in document.tree else frozenset(),
        mac_trace=compute_mac_trace(document),
    )


@lru_cache(maxsize=4096)
def _build_waiver(rule: str, reason: str, index: int) -> Waiver:
    return Waiver(rule, reason, ("waive", str(index), "rule"))


def _index_spans(source: SourceFile) -> SpanIndex:
    # Spans are computed again from the file: few manifests need them, and their texts take memory.
    root, relative, digest = source.root, source.relative, source.digest

    def measure_spans() -> dict[FieldPath, SourceSpan]:
        try:
            again = load_file(root, relative)
            return dict(parse_document(again.data, relative).spans) if again.digest == digest else {}
        except DiagnosticError:
            return {}

    return SpanIndex(measure_spans)
