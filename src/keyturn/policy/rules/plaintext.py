"""Access: whether policy says who may decrypt a file."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from keyturn.model.diagnostic import Cause, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.secret_detection import is_secret_name
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import OnIndex, Requires, Rule, Violation, on_index, on_manifest
from keyturn.policy.settings import PolicySettings, recipients_for
from keyturn.policy.text_matching import (
    has_embedded_password,
    has_known_prefix,
    has_private_key,
    has_web_token,
    looks_random,
    safe_field_name,
)


def recipients_stated(fleet: ManifestIndex, settings: PolicySettings) -> Iterator[Violation]:
    """Find files with secrets whose readers are not set down in the settings."""
    sealed = [subject for subject in fleet.resources if subject.ciphertext_digests]
    if sealed and not settings.recipients:
        yield Violation(message="policy.recipients is empty, so nobody notices a new reader of a secret")
        return
    for subject in sealed:
        if recipients_for(settings, subject.file) is None:
            message = "policy.recipients does not cover this file"
            yield Violation(resource=subject, path=("secrets",), message=message, at_key=True)


_COOKIE_NAMES = frozenset({"cookie", "setcookie"})
_PUBLIC_FIELDS = (
    "clientid", "consumerkey", "accesskeyid", "knownhosts", "fingerprint", "thumbprint", "publickey",
    "hostkey", "checksum", "digest", "arn",
)  # fmt: skip


def secret_in_settings(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find a connection's plain fields that are named as a secret is, headers in lists included."""
    if subject.address.kind != "connection":
        return
    for path, name, text in _named_texts(subject):
        if text and _is_secret_like_name(name) and not _is_recognized_secret(text):
            yield Violation(
                resource=subject,
                path=path,
                message=f"{safe_field_name(path)} looks like a secret",
                at_key=True,
            )


@lru_cache(maxsize=4096)
def _is_secret_like_name(name: str) -> bool:
    return (is_secret_name(name) or normalize_name(name) in _COOKIE_NAMES) and not has_known_prefix(name)


def _named_texts(subject: ResourceView) -> Iterator[tuple[FieldPath, str, str]]:
    for path, leaf in subject.config.items():
        if isinstance(leaf, str):
            yield path, path[-1], leaf
        for number, item in enumerate(leaf if isinstance(leaf, list) else ()):
            if isinstance(item, dict):
                name, text = item.get("name", item.get("key")), item.get("value")
                if isinstance(name, str) and isinstance(text, str):
                    yield (*path, str(number), "value"), name, text
                pairs = ((key, value) for key, value in item.items() if isinstance(value, str))
                yield from (((*path, str(number), key), key, value) for key, value in pairs)


def _check_text_values(test: Callable[[str], bool], what: str, public: tuple[str, ...] = ()) -> OnIndex:
    def check_values(fleet: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
        for writing in fleet.text_values:
            if test(writing.text) and (writing.is_key or not _is_public_field(writing.path, public)):
                holder = "the name of a field" if writing.is_key else safe_field_name(writing.path)
                yield Violation(
                    resource=writing.resource,
                    path=writing.path,
                    message=f"{holder} holds {what}",
                    at_key=writing.is_key,
                )

    return check_values


def _on_text_values(code: str, severity: Severity, look: OnIndex) -> Rule:
    return on_index(code, severity, look, Requires.MANIFEST, cause=Cause.POSSIBLE_PLAINTEXT)


def _is_public_field(path: FieldPath, public: tuple[str, ...]) -> bool:
    return bool(public) and any(normalize_name(key).endswith(public) for key in path)


def _is_recognized_secret(text: str) -> bool:
    return any(
        test(text) for test in (has_known_prefix, has_web_token, has_private_key, has_embedded_password)
    )


def _is_random_text(text: str) -> bool:
    return looks_random(text) and not _is_recognized_secret(text)


RULES = (
    on_index("KT376", Severity.WARNING, recipients_stated, Requires.MANIFEST),
    on_manifest("KT370", Severity.ERROR, secret_in_settings, cause=Cause.POSSIBLE_PLAINTEXT),
    _on_text_values(
        "KT371",
        Severity.ERROR,
        _check_text_values(has_known_prefix, "what has the form of a token", ("accesskeyid",)),
    ),
    _on_text_values(
        "KT372",
        Severity.WARNING,
        _check_text_values(_is_random_text, "text that looks random", _PUBLIC_FIELDS),
    ),
    _on_text_values("KT373", Severity.ERROR, _check_text_values(has_private_key, "a private key")),
    _on_text_values("KT374", Severity.ERROR, _check_text_values(has_web_token, "a JSON web token")),
    _on_text_values(
        "KT375", Severity.ERROR, _check_text_values(has_embedded_password, "a password, within an address")
    ),
)
