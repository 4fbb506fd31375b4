"""Checks of decrypted keys and certificates: parsing, matching pairs, passphrases."""

from collections.abc import Iterator

from cryptography import x509

from keyturn.model.fields import FieldPath, mask_path
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation
from keyturn.policy.rules.expiry import FieldExpiry
from keyturn.policy.rules.key_material import (
    KeyProblem,
    is_key_encrypted,
    load_certificates,
    matches_certificate,
    open_pfx,
    open_private_key,
    read_last_certificate_day,
)
from keyturn.policy.rules.secret_text_checks import SecretValues, build_secret_violation, extract_private_key

_CERTIFICATE_HEADER = "-----BEGIN CERTIFICATE-----"
_PRIVATE_KEY_MARKER = "PRIVATE KEY-----"
_PFX_FIELDS = ("certificate", "pfx")
_PASSPHRASE_FIELDS = {
    "privatekey": ("privatekeypassphrase", "passphrase"),
    "sshprivatekey": ("sshpassphrase", "sshprivatekeypassphrase"),
    "certificate": ("certificatepassword",),
    "pfx": ("pfxpassword", "certificatepassword"),
}


def find_unreadable_key(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find keys and certificates that cannot be parsed."""
    for path, value in values.items():
        if _CERTIFICATE_HEADER in value and load_certificates(value) is None:
            yield build_secret_violation(
                resource, path, f"certificate (field {mask_path(path)}) cannot be read"
            )
        key = extract_private_key(value) if path[-1] == "service_account_json" else value
        if (
            _has_private_key(path, key)
            and not is_key_encrypted(key)
            and open_private_key(key) is KeyProblem.UNREADABLE
        ):
            yield build_secret_violation(
                resource, path, f"private key (field {mask_path(path)}) cannot be read"
            )


def find_mismatched_certificate(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find certificates that do not match the private key of the same manifest."""
    for path, value in values.items():
        if _is_pfx(path, value):
            pair = open_pfx(value, _find_passphrase(path, values) or "")
            is_mismatched = not isinstance(pair, KeyProblem) and not matches_certificate(*pair)
        elif _CERTIFICATE_HEADER in value:
            is_mismatched = _is_mismatched(value, *_find_key_for(path, value, values))
        else:
            continue
        if is_mismatched:
            yield build_secret_violation(
                resource,
                path,
                f"certificate (field {mask_path(path)}) was issued for another private key",
            )


def find_unusable_passphrase(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find private keys with a wrong, missing or unneeded passphrase."""
    for path, value in values.items():
        if not _has_private_key(path, value) or not _is_passphrase_known(resource, path, values):
            continue
        passphrase = _find_passphrase(path, values)
        if is_key_encrypted(value) and not passphrase:
            yield build_secret_violation(
                resource, path, f"{mask_path(path)} needs a passphrase, but none is given"
            )
        elif passphrase and not is_key_encrypted(value):
            yield build_secret_violation(
                resource, path, f"{mask_path(path)} needs no passphrase, but one is given"
            )
        elif passphrase and open_private_key(value, passphrase) is KeyProblem.DECRYPTION_FAILED:
            yield build_secret_violation(
                resource, path, f"{mask_path(path)} cannot be decrypted with its passphrase"
            )


def find_unusable_pfx(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find PFX files with a wrong password, or without key or certificate."""
    for path, value in values.items():
        if _is_pfx(path, value) and _is_passphrase_known(resource, path, values):
            pair = open_pfx(value, _find_passphrase(path, values) or "")
            if pair is KeyProblem.DECRYPTION_FAILED:
                yield build_secret_violation(
                    resource, path, f"{mask_path(path)} cannot be opened as PFX with its password"
                )
            elif pair is KeyProblem.UNREADABLE:
                yield build_secret_violation(
                    resource, path, f"{mask_path(path)} lacks the private key or the certificate"
                )


def find_certificate_expiries(values: SecretValues) -> Iterator[FieldExpiry]:
    """Yield the expiry of each certificate."""
    for path, value in values.items():
        pair = (
            open_pfx(value, _find_passphrase(path, values) or "")
            if _is_pfx(path, value)
            else KeyProblem.UNREADABLE
        )
        day = (
            read_last_certificate_day(value)
            if isinstance(pair, KeyProblem)
            else pair[1].not_valid_after_utc.date()
        )
        if day:
            yield FieldExpiry(("secrets", *path), day, f"certificate (field {mask_path(path)})")


def _has_private_key(path: FieldPath, value: str) -> bool:
    has_name = normalize_name(path[-1]).endswith("privatekey") and bool(value.strip())
    return has_name or ("-----BEGIN " in value and _PRIVATE_KEY_MARKER in value)


def _is_pfx(path: FieldPath, value: str) -> bool:
    return (
        normalize_name(path[-1]).endswith(_PFX_FIELDS) and bool(value.strip()) and "-----BEGIN " not in value
    )


def _find_passphrase(path: FieldPath, values: SecretValues) -> str | None:
    names = _PASSPHRASE_FIELDS.get(normalize_name(path[-1]), ())
    siblings = (other for other in values if other[:-1] == path[:-1] and normalize_name(other[-1]) in names)
    return next((values[other] for other in siblings), None)


def _is_passphrase_known(resource: ResourceView, path: FieldPath, values: SecretValues) -> bool:
    # The passphrase is unknown if the manifest keeps its live value.
    names = _PASSPHRASE_FIELDS.get(normalize_name(path[-1]), ())
    return not any(
        other not in values and other[:-1] == path[:-1] and normalize_name(other[-1]) in names
        for other in resource.secret_paths
    )


def _find_key_for(path: FieldPath, value: str, values: SecretValues) -> tuple[str, str]:
    if _PRIVATE_KEY_MARKER in value:
        return value, _find_passphrase(path, values) or ""
    siblings = [
        other
        for other in values
        if other[:-1] == path[:-1]
        and _has_private_key(other, values[other])
        and "ssh" not in normalize_name(other[-1])
    ]
    if len(siblings) != 1:
        return "", ""
    return values[siblings[0]], _find_passphrase(siblings[0], values) or ""


def _is_mismatched(text: str, key_text: str, passphrase: str) -> bool:
    certificates: tuple[x509.Certificate, ...] = load_certificates(text) or ()
    key = open_private_key(key_text, passphrase) if key_text else KeyProblem.UNREADABLE
    if isinstance(key, KeyProblem) or not certificates:
        return False
    # The certificate is first in a chain, but a bundle may start with the CA.
    return not any(matches_certificate(key, certificate) for certificate in certificates)
