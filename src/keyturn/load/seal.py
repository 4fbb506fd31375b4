"""The seal of a manifest: what it should be, whether it is there, whether it holds.

A finding whose code is KT250 to KT299 says that a file is not what somebody with the key approved.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.exposure import destination, seal
from keyturn.core.fields import Fields, Path, dotted
from keyturn.core.resource import Desired
from keyturn.core.secret import Secret
from keyturn.load.definitions import SEAL, leaves, sealed_among
from keyturn.load.findings import fault
from keyturn.load.nodes import Document
from keyturn.policy.settings import Settings

_EMPTY_BLOCKS: Final = frozenset(
    {"config", "labels", "keep", "waive", "rotation", "lifecycle", "secrets", "sops"}
)
_SEALING: Final = (
    "if the change is meant, whoever holds the key runs `keyturn seal NAME`; else take the file back from git"
)


class Bound(Struct, frozen=True):
    """What a seal is made of: who the secrets belong to, and their plain fields by path."""

    address: Address
    type: str
    fields: Fields
    origin: Origin


def bound(document: Document) -> Bound:
    """Return what the seal of a document is made of, as far as it can be read, right or not."""
    tree = document.tree
    config = tree.get("config")
    fields = dict(leaves(config)) if isinstance(config, Mapping) else {}
    address = Address(str(tree.get("kind")), str(tree.get("name")))
    return Bound(address, str(tree.get("type")), fields, Origin(document.file, 1, 1))


def expected(what: Bound) -> str:
    """Return the seal that a manifest's secrets must carry."""
    address = what.address
    covered = destination(what.fields, sealed_among(address.kind, what.type, what.fields))
    return seal(address.kind, address.name, what.type, covered)


def seal_of(document: Document) -> str:
    """Return the seal for a document as it stands: what ``secret set`` and ``seal`` write."""
    return expected(bound(document))


def weight(settings: Settings) -> Severity:
    """Return what a missing seal weighs under a policy."""
    return Severity.ERROR if settings.seal == "required" else Severity.WARNING


def absent(document: Document, severity: Severity) -> tuple[Diagnostic, ...]:
    """Return the finding that a manifest's secrets carry no seal (KT250), if that is so."""
    secrets = document.tree.get("secrets")
    if not isinstance(secrets, Mapping) or SEAL in secrets or not secrets:
        return ()
    origin = document.origin(("secrets",), key=True)
    return (_unsealed(origin, severity),)


def hollow(document: Document) -> tuple[Diagnostic, ...]:
    """Return a finding (KT255) for each empty value among the plain ones of an encrypted file.

    SOPS leaves null, empty text and empty collections out of its MAC, so that anybody can add them.
    """
    if "sops" not in document.tree:
        return ()
    plain = {key: value for key, value in document.tree.items() if key not in ("sops", "secrets")}
    return tuple(_hollow(document, path) for path in _empties(plain, ()) if not _block(path))


def broken(what: Bound, opened: Mapping[Path, Secret]) -> tuple[Diagnostic, ...]:
    """Return the finding that the seal among ``opened`` does not hold (KT251), if that is so.

    ``opened`` is by path below ``secrets``.
    """
    if (SEAL,) not in opened or opened[(SEAL,)] == Secret(expected(what)):
        return ()
    message = f"the secrets of {what.address} were sealed for another destination"
    finding = fault("KT251", what.origin, message, _SEALING, cause=Cause.TAMPERING)
    return (replace(finding, address=what.address),)


def verified(
    desired: Desired, opened: Mapping[Path, Secret], severity: Severity
) -> tuple[Desired, tuple[Diagnostic, ...]]:
    """Return the manifest with its secrets opened, the seal taken off, and what is wrong with them.

    ``opened`` is by path below ``secrets``; ``severity`` is what a missing seal weighs.
    """
    what = Bound(desired.address, desired.type, desired.fields, desired.origin)
    secrets = {path: secret for path, secret in opened.items() if path != (SEAL,)}
    findings = list(broken(what, opened))
    if (SEAL,) not in opened and secrets:
        findings.append(replace(_unsealed(desired.origin, severity), address=desired.address))
    findings.extend(_unlike(desired, secrets))
    return replace(desired, secrets=secrets), tuple(findings)


def _unlike(desired: Desired, secrets: Mapping[Path, Secret]) -> Iterator[Diagnostic]:
    hint = "set it with `keyturn secret set`"
    if secrets.keys() != desired.secrets.keys():
        message = f"{desired.address} holds other secret fields than it shows"
        yield replace(fault("KT252", desired.origin, message, hint), address=desired.address)
    for path, secret in secrets.items():
        if secret == Secret(""):
            message = f"the secret {dotted(path)} of {desired.address} is empty"
            yield replace(fault("KT253", desired.origin, message, hint), address=desired.address)


def _unsealed(origin: Origin, severity: Severity) -> Diagnostic:
    message = "the secrets carry no seal: nothing binds them to their destination"
    hint = "whoever holds the key runs `keyturn seal NAME`"
    return replace(fault("KT250", origin, message, hint), severity=severity)


def _empties(value: Any, path: Path) -> Iterator[Path]:
    if value is None or value == "" or (isinstance(value, list | dict) and not value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _empties(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _empties(item, (*path, str(at)))


def _block(path: Path) -> bool:
    return len(path) == 1 and path[0] in _EMPTY_BLOCKS


def _hollow(document: Document, path: Path) -> Diagnostic:
    message = f"{dotted(path)} is empty, and an encrypted file's MAC does not cover what is empty"
    hint = "remove it, or give it a value and encrypt again"
    return fault("KT255", document.origin(path, key=True), message, hint, cause=Cause.EMPTY_VALUE)
