"""Computes and verifies the seals of manifests.

The codes KT250 to KT299 report files that differ from what a holder of the key approved.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, Severity, error_diagnostic
from keyturn.model.fields import FieldPath, Fields, mask_path
from keyturn.model.resource import DesiredResource
from keyturn.model.seal import compute_seal, select_fields
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.schema.definitions import SEAL_FIELD, select_sealed_paths, walk_config_leaves
from keyturn.trust.signing import SigningKey
from keyturn.yamldoc.reader import Document

SIGNED_SEAL_PREFIX: Final = "k2-"
"""The prefix of a seal that is a signature of the workspace key."""

_SEAL_TYPE: Final = "keyturn/seal/1"
_OPTIONAL_BLOCKS: Final = frozenset(
    {"config", "labels", "keep", "waive", "rotation", "lifecycle", "secrets", "sops"}
)
_SEAL_HINT: Final = (
    "if the change is intended, run `keyturn seal NAME --reason TEXT` with the key; else restore "
    "the file from git"
)


class SealSubject(Struct, frozen=True):
    """The input of a seal: address, type and plain fields by path."""

    address: Address
    type: str
    fields: Fields
    origin: SourceLocation


class Sealer(Struct, frozen=True):
    """Computes the seals of a workspace: signatures of its key, or digests in a workspace without a key.

    A signature is ``k2-`` and the base64 of an Ed25519 signature over the digest and the workspace.
    """

    workspace: str = ""
    signing_key: SigningKey | None = None

    def compute_seal(self, subject: SealSubject) -> Secret:
        """Compute the seal that the secrets of a manifest must have."""
        digest = compute_expected_seal(subject)
        if self.signing_key is None:
            return Secret(digest)
        value = {"workspace": self.workspace, "seal": digest}
        return Secret(SIGNED_SEAL_PREFIX + self.signing_key.sign(_SEAL_TYPE, value))


def build_seal_subject(document: Document) -> SealSubject:
    """Return the seal input of a document, which may be invalid."""
    tree = document.tree
    config = tree.get("config")
    fields = dict(walk_config_leaves(config)) if isinstance(config, Mapping) else {}
    address = Address(str(tree.get("kind")), str(tree.get("name")))
    return SealSubject(address, str(tree.get("type")), fields, SourceLocation(document.file, 1, 1))


def compute_expected_seal(subject: SealSubject) -> str:
    """Compute the digest of what a seal covers: the seal itself in a workspace without a key."""
    address = subject.address
    covered = select_fields(subject.fields, select_sealed_paths(address.kind, subject.type, subject.fields))
    return compute_seal(address.kind, address.name, subject.type, covered)


def resolve_seal_severity(settings: PolicySettings) -> Severity:
    """Return the severity of a missing seal."""
    return Severity.ERROR if settings.seal == "required" else Severity.WARNING


def check_seal_present(document: Document, severity: Severity) -> tuple[Diagnostic, ...]:
    """Return KT250 if the secrets of a manifest have no seal."""
    secrets = document.tree.get("secrets")
    if not isinstance(secrets, Mapping) or SEAL_FIELD in secrets or not secrets:
        return ()
    origin = document.find_location(("secrets",), key=True)
    return (_missing_seal_diagnostic(origin, severity),)


def check_empty_values(document: Document) -> tuple[Diagnostic, ...]:
    """Return KT255 for each empty plain value of an encrypted file.

    The SOPS MAC does not cover null, empty text and empty collections, so an edit of them is not detected.
    """
    if "sops" not in document.tree:
        return ()
    plain = {key: value for key, value in document.tree.items() if key not in ("sops", "secrets")}
    return tuple(
        _empty_value_error(document, path)
        for path in _find_empty_values(plain, ())
        if not _may_be_empty(path)
    )


def check_seal(
    subject: SealSubject, opened: Mapping[FieldPath, Secret], sealer: Sealer
) -> tuple[Diagnostic, ...]:
    """Return KT251 if the seal in ``opened`` does not match.

    ``opened`` has the decrypted secrets by path below ``secrets``.
    """
    seal = opened.get((SEAL_FIELD,))
    if seal is None or seal == sealer.compute_seal(subject):
        return ()
    message = f"the secrets of {subject.address} were sealed for another destination"
    if seal == Secret(compute_expected_seal(subject)):
        message = f"the seal of {subject.address} is not signed by the key of the workspace"
    finding = error_diagnostic("KT251", subject.origin, message, _SEAL_HINT, cause=Cause.TAMPERING)
    return (replace(finding, address=subject.address),)


def verify_secrets(
    desired: DesiredResource, opened: Mapping[FieldPath, Secret], severity: Severity, sealer: Sealer
) -> tuple[DesiredResource, tuple[Diagnostic, ...]]:
    """Return the manifest with decrypted secrets without the seal, and the diagnostics.

    ``opened`` has the decrypted secrets by path below ``secrets``. ``severity`` is that of a missing
    seal; in a workspace with a key, it is an error.
    """
    subject = SealSubject(desired.address, desired.type, desired.fields, desired.origin)
    secrets = {path: secret for path, secret in opened.items() if path != (SEAL_FIELD,)}
    findings = list(check_seal(subject, opened, sealer))
    if sealer.signing_key is not None:
        severity = Severity.ERROR
    if (SEAL_FIELD,) not in opened and secrets:
        findings.append(replace(_missing_seal_diagnostic(desired.origin, severity), address=desired.address))
    findings.extend(_check_secret_fields(desired, secrets))
    return replace(desired, secrets=secrets), tuple(findings)


def _check_secret_fields(
    desired: DesiredResource, secrets: Mapping[FieldPath, Secret]
) -> Iterator[Diagnostic]:
    hint = "set it with `keyturn secret set`"
    if secrets.keys() != desired.secrets.keys():
        message = f"{desired.address} decrypts to other secret fields than the manifest lists"
        yield replace(error_diagnostic("KT252", desired.origin, message, hint), address=desired.address)
    for path, secret in secrets.items():
        if secret == Secret(""):
            message = f"the secret {mask_path(path)} of {desired.address} is empty"
            yield replace(error_diagnostic("KT253", desired.origin, message, hint), address=desired.address)


def _missing_seal_diagnostic(origin: SourceLocation, severity: Severity) -> Diagnostic:
    message = "the secrets have no seal that binds them to their destination"
    hint = "run `keyturn seal NAME` with the key"
    return replace(error_diagnostic("KT250", origin, message, hint), severity=severity)


def _find_empty_values(value: Any, path: FieldPath) -> Iterator[FieldPath]:
    if value is None or value == "" or (isinstance(value, list | dict) and not value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _find_empty_values(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _find_empty_values(item, (*path, str(at)))


def _may_be_empty(path: FieldPath) -> bool:
    return len(path) == 1 and path[0] in _OPTIONAL_BLOCKS


def _empty_value_error(document: Document, path: FieldPath) -> Diagnostic:
    message = f"{mask_path(path)} is empty, and the MAC of an encrypted file does not cover empty values"
    hint = "remove it, or give it a value and encrypt again"
    return error_diagnostic(
        "KT255", document.find_location(path, key=True), message, hint, cause=Cause.EMPTY_VALUE
    )
