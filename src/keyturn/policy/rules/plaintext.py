"""Rules about secrets in plain text, and about files without stated recipients."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from keyturn.model.diagnostic import Cause, Severity
from keyturn.model.fields import FieldPath
from keyturn.model.secret_detection import is_secret_name
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import OnIndex, Requires, Rule, Violation, on_index, on_manifest
from keyturn.policy.settings import PolicySettings, find_required_recipients
from keyturn.policy.text_matching import (
    format_field_name,
    has_embedded_password,
    has_known_prefix,
    has_private_key,
    has_web_token,
    looks_random,
)

_COOKIE_NAMES = frozenset({"cookie", "setcookie"})
_PUBLIC_FIELDS = (
    "clientid", "consumerkey", "accesskeyid", "knownhosts", "fingerprint", "thumbprint", "publickey",
    "hostkey", "checksum", "digest", "arn",
)  # fmt: skip


def find_unstated_recipients(index: ManifestIndex, settings: PolicySettings) -> Iterator[Violation]:
    """Find encrypted files without recipients in the settings."""
    encrypted = [resource for resource in index.resources if resource.ciphertext_digests]
    if encrypted and not settings.recipients:
        yield Violation(message="policy.recipients is empty, so a new recipient of a secret is not detected")
        return
    for resource in encrypted:
        if find_required_recipients(settings, resource.file) is None:
            message = "policy.recipients does not cover this file"
            yield Violation(resource=resource, path=("secrets",), message=message, at_key=True)


def find_secret_in_settings(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find plain fields and headers of connections that have the name of a secret."""
    if resource.address.kind != "connection":
        return
    for path, name, text in _named_texts(resource):
        if text and _is_secret_like_name(name) and not _is_recognized_secret(text):
            yield Violation(
                resource=resource,
                path=path,
                message=f"{format_field_name(path)} looks like a secret",
                at_key=True,
            )


def find_unexpected_text(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find texts that a driver may read as a connection string, such as a database ``x host=y``."""
    for path in resource.unexpected_texts:
        message = f"{format_field_name(path)} is not a plain name, so it counts as a destination"
        yield Violation(resource=resource, path=path, message=message)


@lru_cache(maxsize=4096)
def _is_secret_like_name(name: str) -> bool:
    return (is_secret_name(name) or normalize_name(name) in _COOKIE_NAMES) and not has_known_prefix(name)


def _named_texts(resource: ResourceView) -> Iterator[tuple[FieldPath, str, str]]:
    for path, leaf in resource.config.items():
        if isinstance(leaf, str):
            yield path, path[-1], leaf
        for number, item in enumerate(leaf if isinstance(leaf, list) else ()):
            if isinstance(item, dict):
                name, text = item.get("name", item.get("key")), item.get("value")
                if isinstance(name, str) and isinstance(text, str):
                    yield (*path, str(number), "value"), name, text
                pairs = ((key, value) for key, value in item.items() if isinstance(value, str))
                yield from (((*path, str(number), key), key, value) for key, value in pairs)


def _check_text_values(matches: Callable[[str], bool], content: str, public: tuple[str, ...] = ()) -> OnIndex:
    def check_values(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
        for text_value in index.text_values:
            if matches(text_value.text) and (
                text_value.is_key or not _is_public_field(text_value.path, public)
            ):
                holder = "the name of a field" if text_value.is_key else format_field_name(text_value.path)
                yield Violation(
                    resource=text_value.resource,
                    path=text_value.path,
                    message=f"{holder} contains {content}",
                    at_key=text_value.is_key,
                )

    return check_values


def _on_text_values(code: str, severity: Severity, check: OnIndex) -> Rule:
    return on_index(code, severity, check, Requires.MANIFEST, cause=Cause.POSSIBLE_PLAINTEXT)


def _is_public_field(path: FieldPath, public: tuple[str, ...]) -> bool:
    return bool(public) and any(normalize_name(key).endswith(public) for key in path)


def _is_recognized_secret(text: str) -> bool:
    return any(
        test(text) for test in (has_known_prefix, has_web_token, has_private_key, has_embedded_password)
    )


def _is_random_text(text: str) -> bool:
    return looks_random(text) and not _is_recognized_secret(text)


RULES = (
    on_index("KT376", Severity.WARNING, find_unstated_recipients, Requires.MANIFEST),
    on_manifest("KT370", Severity.ERROR, find_secret_in_settings, cause=Cause.POSSIBLE_PLAINTEXT),
    on_manifest("KT379", Severity.WARNING, find_unexpected_text),
    _on_text_values(
        "KT371",
        Severity.ERROR,
        _check_text_values(has_known_prefix, "text in the format of a token", ("accesskeyid",)),
    ),
    _on_text_values(
        "KT372",
        Severity.WARNING,
        _check_text_values(_is_random_text, "text that looks random", _PUBLIC_FIELDS),
    ),
    _on_text_values("KT373", Severity.ERROR, _check_text_values(has_private_key, "a private key")),
    _on_text_values("KT374", Severity.ERROR, _check_text_values(has_web_token, "a JSON web token")),
    _on_text_values(
        "KT375",
        Severity.ERROR,
        _check_text_values(has_embedded_password, "a password in a URL or connection string"),
    ),
)
