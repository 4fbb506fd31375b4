"""Opened secrets as keys: what can be read, what belongs together, what opens with which passphrase."""

from collections.abc import Iterator

from cryptography import x509

from keyturn.model.fields import FieldPath
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation
from keyturn.policy.rules.expiry import FieldExpiry
from keyturn.policy.rules.key_material import (
    KeyProblem,
    is_key_encrypted,
    last_certificate_day,
    load_certificates,
    matches_certificate,
    open_pfx,
    open_private_key,
)
from keyturn.policy.rules.secret_text_checks import SecretValues, extract_private_key, secret_violation
from keyturn.policy.text_matching import safe_field_name

_CERTIFICATE_HEADER = "-----BEGIN CERTIFICATE-----"
_PRIVATE_KEY_MARKER = "PRIVATE KEY-----"
_PFX_FIELDS = ("certificate", "pfx")
_PASSPHRASE_FIELDS = {
    "privatekey": ("privatekeypassphrase", "passphrase"),
    "sshprivatekey": ("sshpassphrase", "sshprivatekeypassphrase"),
    "certificate": ("certificatepassword",),
    "pfx": ("pfxpassword", "certificatepassword"),
}


def unreadable_key(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find keys and certificates that cannot be read."""
    for path, value in values.items():
        if _CERTIFICATE_HEADER in value and load_certificates(value) is None:
            yield secret_violation(
                subject, path, f"the certificate in {safe_field_name(path)} cannot be read"
            )
        key = extract_private_key(value) if path[-1] == "service_account_json" else value
        if (
            _has_private_key(path, key)
            and not is_key_encrypted(key)
            and open_private_key(key) is KeyProblem.UNREADABLE
        ):
            yield secret_violation(
                subject, path, f"the private key in {safe_field_name(path)} cannot be read"
            )


def mismatched_certificate(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find certificates that were issued for another key than the one beside them."""
    for path, value in values.items():
        if _is_pfx(path, value):
            pair = open_pfx(value, _find_passphrase(path, values) or "")
            apart = not isinstance(pair, KeyProblem) and not matches_certificate(*pair)
        elif _CERTIFICATE_HEADER in value:
            apart = _is_mismatched(value, *_find_key_for(path, value, values))
        else:
            continue
        if apart:
            yield secret_violation(
                subject,
                path,
                f"the certificate in {safe_field_name(path)} was issued for another private key",
            )


def unusable_passphrase(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find private keys that their passphrase does not open, that lack one, or that need none."""
    for path, value in values.items():
        if not _has_private_key(path, value) or not _is_passphrase_known(subject, path, values):
            continue
        passphrase = _find_passphrase(path, values)
        if is_key_encrypted(value) and not passphrase:
            yield secret_violation(
                subject, path, f"{safe_field_name(path)} needs a passphrase, and there is none"
            )
        elif passphrase and not is_key_encrypted(value):
            yield secret_violation(
                subject, path, f"{safe_field_name(path)} needs no passphrase, and there is one"
            )
        elif passphrase and open_private_key(value, passphrase) is KeyProblem.WRONG_PASSPHRASE:
            yield secret_violation(
                subject, path, f"{safe_field_name(path)} does not open with its passphrase"
            )


def unusable_pfx(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find PFX files that their password does not open, or that lack key or certificate."""
    for path, value in values.items():
        if _is_pfx(path, value) and _is_passphrase_known(subject, path, values):
            pair = open_pfx(value, _find_passphrase(path, values) or "")
            if pair is KeyProblem.WRONG_PASSPHRASE:
                yield secret_violation(
                    subject, path, f"{safe_field_name(path)} is no PFX that opens with its password"
                )
            elif pair is KeyProblem.UNREADABLE:
                yield secret_violation(
                    subject, path, f"{safe_field_name(path)} lacks the private key or the certificate"
                )


def certificate_expiries(values: SecretValues) -> Iterator[FieldExpiry]:
    """Yield the last day of each certificate."""
    for path, value in values.items():
        pair = (
            open_pfx(value, _find_passphrase(path, values) or "")
            if _is_pfx(path, value)
            else KeyProblem.UNREADABLE
        )
        day = (
            last_certificate_day(value)
            if isinstance(pair, KeyProblem)
            else pair[1].not_valid_after_utc.date()
        )
        if day:
            yield FieldExpiry(("secrets", *path), day, f"the certificate in {safe_field_name(path)}")


def _has_private_key(path: FieldPath, value: str) -> bool:
    named = normalize_name(path[-1]).endswith("privatekey") and bool(value.strip())
    return named or ("-----BEGIN " in value and _PRIVATE_KEY_MARKER in value)


def _is_pfx(path: FieldPath, value: str) -> bool:
    return (
        normalize_name(path[-1]).endswith(_PFX_FIELDS) and bool(value.strip()) and "-----BEGIN " not in value
    )


def _find_passphrase(path: FieldPath, values: SecretValues) -> str | None:
    wanted = _PASSPHRASE_FIELDS.get(normalize_name(path[-1]), ())
    beside = (other for other in values if other[:-1] == path[:-1] and normalize_name(other[-1]) in wanted)
    return next((values[other] for other in beside), None)


def _is_passphrase_known(subject: ResourceView, path: FieldPath, values: SecretValues) -> bool:
    # A passphrase that was not opened, because the live one is kept, says nothing of the key.
    wanted = _PASSPHRASE_FIELDS.get(normalize_name(path[-1]), ())
    return not any(
        other not in values and other[:-1] == path[:-1] and normalize_name(other[-1]) in wanted
        for other in subject.secret_paths
    )


def _find_key_for(path: FieldPath, value: str, values: SecretValues) -> tuple[str, str]:
    if _PRIVATE_KEY_MARKER in value:
        return value, _find_passphrase(path, values) or ""
    beside = [
        other
        for other in values
        if other[:-1] == path[:-1]
        and _has_private_key(other, values[other])
        and "ssh" not in normalize_name(other[-1])
    ]
    if len(beside) != 1:
        return "", ""
    return values[beside[0]], _find_passphrase(beside[0], values) or ""


def _is_mismatched(text: str, key_text: str, passphrase: str) -> bool:
    found_certificates: tuple[x509.Certificate, ...] = load_certificates(text) or ()
    key = open_private_key(key_text, passphrase) if key_text else KeyProblem.UNREADABLE
    if isinstance(key, KeyProblem) or not found_certificates:
        return False
    # A chain begins with the one that was issued; a bundle may begin with its authority.
    return not any(matches_certificate(key, certificate) for certificate in found_certificates)
