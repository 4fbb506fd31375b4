"""Opened secrets as keys: what can be read, what belongs together, what opens with which passphrase."""

from collections.abc import Iterator

from cryptography import x509

from keyturn.core.fields import Path
from keyturn.policy.expiries import Expiry
from keyturn.policy.keys import Trouble, belongs, certificates, last_day, locked, open_pfx, open_private
from keyturn.policy.opened_text import Values, found, service_account_key
from keyturn.policy.rule import Found
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import say

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_PRIVATE = "PRIVATE KEY-----"
_BUNDLES = ("certificate", "pfx")
_PASSPHRASES = {
    "privatekey": ("privatekeypassphrase", "passphrase"),
    "sshprivatekey": ("sshpassphrase", "sshprivatekeypassphrase"),
    "certificate": ("certificatepassword",),
    "pfx": ("pfxpassword", "certificatepassword"),
}


def unreadable(subject: Subject, values: Values) -> Iterator[Found]:
    """Find keys and certificates that cannot be read."""
    for path, value in values.items():
        if _CERTIFICATE in value and certificates(value) is None:
            yield found(subject, path, f"the certificate in {say(path)} cannot be read")
        key = service_account_key(value) if path[-1] == "service_account_json" else value
        if _holds_key(path, key) and not locked(key) and open_private(key) is Trouble.UNREADABLE:
            yield found(subject, path, f"the private key in {say(path)} cannot be read")


def mismatched(subject: Subject, values: Values) -> Iterator[Found]:
    """Find certificates that were issued for another key than the one beside them."""
    for path, value in values.items():
        if _is_pfx(path, value):
            pair = open_pfx(value, _passphrase(path, values) or "")
            apart = not isinstance(pair, Trouble) and not belongs(*pair)
        elif _CERTIFICATE in value:
            apart = _apart(value, *_key_for(path, value, values))
        else:
            continue
        if apart:
            yield found(subject, path, f"the certificate in {say(path)} was issued for another private key")


def passphrases(subject: Subject, values: Values) -> Iterator[Found]:
    """Find private keys that their passphrase does not open, that lack one, or that need none."""
    for path, value in values.items():
        if not _holds_key(path, value) or not _settled(subject, path, values):
            continue
        passphrase = _passphrase(path, values)
        if locked(value) and not passphrase:
            yield found(subject, path, f"{say(path)} needs a passphrase, and there is none")
        elif passphrase and not locked(value):
            yield found(subject, path, f"{say(path)} needs no passphrase, and there is one")
        elif passphrase and open_private(value, passphrase) is Trouble.WRONG:
            yield found(subject, path, f"{say(path)} does not open with its passphrase")


def pfx_files(subject: Subject, values: Values) -> Iterator[Found]:
    """Find PFX files that their password does not open, or that lack key or certificate."""
    for path, value in values.items():
        if _is_pfx(path, value) and _settled(subject, path, values):
            pair = open_pfx(value, _passphrase(path, values) or "")
            if pair is Trouble.WRONG:
                yield found(subject, path, f"{say(path)} is no PFX that opens with its password")
            elif pair is Trouble.UNREADABLE:
                yield found(subject, path, f"{say(path)} lacks the private key or the certificate")


def endings(values: Values) -> Iterator[Expiry]:
    """Yield the last day of each certificate."""
    for path, value in values.items():
        pair = (
            open_pfx(value, _passphrase(path, values) or "") if _is_pfx(path, value) else Trouble.UNREADABLE
        )
        day = last_day(value) if isinstance(pair, Trouble) else pair[1].not_valid_after_utc.date()
        if day:
            yield Expiry(("secrets", *path), day, f"the certificate in {say(path)}")


def _holds_key(path: Path, value: str) -> bool:
    named = fold(path[-1]).endswith("privatekey") and bool(value.strip())
    return named or ("-----BEGIN " in value and _PRIVATE in value)


def _is_pfx(path: Path, value: str) -> bool:
    return fold(path[-1]).endswith(_BUNDLES) and bool(value.strip()) and "-----BEGIN " not in value


def _passphrase(path: Path, values: Values) -> str | None:
    wanted = _PASSPHRASES.get(fold(path[-1]), ())
    beside = (other for other in values if other[:-1] == path[:-1] and fold(other[-1]) in wanted)
    return next((values[other] for other in beside), None)


def _settled(subject: Subject, path: Path, values: Values) -> bool:
    # A passphrase that was not opened, because the live one is kept, says nothing of the key.
    wanted = _PASSPHRASES.get(fold(path[-1]), ())
    return not any(
        other not in values and other[:-1] == path[:-1] and fold(other[-1]) in wanted
        for other in subject.secret_paths
    )


def _key_for(path: Path, value: str, values: Values) -> tuple[str, str]:
    if _PRIVATE in value:
        return value, _passphrase(path, values) or ""
    beside = [
        other
        for other in values
        if other[:-1] == path[:-1] and _holds_key(other, values[other]) and "ssh" not in fold(other[-1])
    ]
    if len(beside) != 1:
        return "", ""
    return values[beside[0]], _passphrase(beside[0], values) or ""


def _apart(text: str, key_text: str, passphrase: str) -> bool:
    found_certificates: tuple[x509.Certificate, ...] = certificates(text) or ()
    key = open_private(key_text, passphrase) if key_text else Trouble.UNREADABLE
    if isinstance(key, Trouble) or not found_certificates:
        return False
    # A chain begins with the one that was issued; a bundle may begin with its authority.
    return not any(belongs(key, certificate) for certificate in found_certificates)
