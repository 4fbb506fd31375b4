"""The seal of a manifest: what it should be, whether it is there, whether it holds.

A finding whose code is KT250 to KT299 says that a file is not what somebody with the key approved.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, Severity, error_diagnostic
from keyturn.model.fields import FieldPath, Fields, format_path
from keyturn.model.resource import DesiredResource
from keyturn.model.seal import compute_seal, select_fields
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.schema.definitions import SEAL_FIELD, select_sealed_paths, walk_config_leaves
from keyturn.yamldoc.reader import Document

_OPTIONAL_BLOCKS: Final = frozenset(
    {"config", "labels", "keep", "waive", "rotation", "lifecycle", "secrets", "sops"}
)
_SEAL_HINT: Final = (
    "if the change is meant, whoever holds the key runs `keyturn seal NAME`; else take the file back from git"
)


class SealSubject(Struct, frozen=True):
    """What a seal is made of: who the secrets belong to, and their plain fields by path."""

    address: Address
    type: str
    fields: Fields
    origin: SourceLocation


def seal_subject(document: Document) -> SealSubject:
    """Return what the seal of a document is made of, as far as it can be read, right or not."""
    tree = document.tree
    config = tree.get("config")
    fields = dict(walk_config_leaves(config)) if isinstance(config, Mapping) else {}
    address = Address(str(tree.get("kind")), str(tree.get("name")))
    return SealSubject(address, str(tree.get("type")), fields, SourceLocation(document.file, 1, 1))


def compute_expected_seal(what: SealSubject) -> str:
    """Return the seal that a manifest's secrets must carry."""
    address = what.address
    covered = select_fields(what.fields, select_sealed_paths(address.kind, what.type, what.fields))
    return compute_seal(address.kind, address.name, what.type, covered)


def compute_document_seal(document: Document) -> str:
    """Return the seal for a document as it stands: what ``secret set`` and ``seal`` write."""
    return compute_expected_seal(seal_subject(document))


def missing_seal_severity(settings: PolicySettings) -> Severity:
    """Return what a missing seal weighs under a policy."""
    return Severity.ERROR if settings.seal == "required" else Severity.WARNING


def check_seal_present(document: Document, severity: Severity) -> tuple[Diagnostic, ...]:
    """Return the finding that a manifest's secrets carry no seal (KT250), if that is so."""
    secrets = document.tree.get("secrets")
    if not isinstance(secrets, Mapping) or SEAL_FIELD in secrets or not secrets:
        return ()
    origin = document.find_location(("secrets",), key=True)
    return (_missing_seal_diagnostic(origin, severity),)


def check_empty_values(document: Document) -> tuple[Diagnostic, ...]:
    """Return a finding (KT255) for each empty value among the plain ones of an encrypted file.

    SOPS leaves null, empty text and empty collections out of its MAC, so that anybody can add them.
    """
    if "sops" not in document.tree:
        return ()
    plain = {key: value for key, value in document.tree.items() if key not in ("sops", "secrets")}
    return tuple(
        _empty_value_error(document, path)
        for path in _find_empty_values(plain, ())
        if not _may_be_empty(path)
    )


def check_seal(what: SealSubject, opened: Mapping[FieldPath, Secret]) -> tuple[Diagnostic, ...]:
    """Return the finding that the seal among ``opened`` does not hold (KT251), if that is so.

    ``opened`` is by path below ``secrets``.
    """
    if (SEAL_FIELD,) not in opened or opened[(SEAL_FIELD,)] == Secret(compute_expected_seal(what)):
        return ()
    message = f"the secrets of {what.address} were sealed for another destination"
    finding = error_diagnostic("KT251", what.origin, message, _SEAL_HINT, cause=Cause.TAMPERING)
    return (replace(finding, address=what.address),)


def verify_secrets(
    desired: DesiredResource, opened: Mapping[FieldPath, Secret], severity: Severity
) -> tuple[DesiredResource, tuple[Diagnostic, ...]]:
    """Return the manifest with its secrets opened, the seal taken off, and what is wrong with them.

    ``opened`` is by path below ``secrets``; ``severity`` is what a missing seal weighs.
    """
    what = SealSubject(desired.address, desired.type, desired.fields, desired.origin)
    secrets = {path: secret for path, secret in opened.items() if path != (SEAL_FIELD,)}
    findings = list(check_seal(what, opened))
    if (SEAL_FIELD,) not in opened and secrets:
        findings.append(replace(_missing_seal_diagnostic(desired.origin, severity), address=desired.address))
    findings.extend(_check_secret_fields(desired, secrets))
    return replace(desired, secrets=secrets), tuple(findings)


def _check_secret_fields(
    desired: DesiredResource, secrets: Mapping[FieldPath, Secret]
) -> Iterator[Diagnostic]:
    hint = "set it with `keyturn secret set`"
    if secrets.keys() != desired.secrets.keys():
        message = f"{desired.address} holds other secret fields than it shows"
        yield replace(error_diagnostic("KT252", desired.origin, message, hint), address=desired.address)
    for path, secret in secrets.items():
        if secret == Secret(""):
            message = f"the secret {format_path(path)} of {desired.address} is empty"
            yield replace(error_diagnostic("KT253", desired.origin, message, hint), address=desired.address)


def _missing_seal_diagnostic(origin: SourceLocation, severity: Severity) -> Diagnostic:
    message = "the secrets carry no seal: nothing binds them to their destination"
    hint = "whoever holds the key runs `keyturn seal NAME`"
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
    message = f"{format_path(path)} is empty, and an encrypted file's MAC does not cover what is empty"
    hint = "remove it, or give it a value and encrypt again"
    return error_diagnostic(
        "KT255", document.find_location(path, key=True), message, hint, cause=Cause.EMPTY_VALUE
    )
