"""Checks of decrypted secrets as text: whitespace, placeholders, length and vendor formats.

Messages do not contain any part of a value.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from keyturn.model.fields import FieldPath, mask_path
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation
from keyturn.policy.text_matching import LazyPattern

SecretValues: TypeAlias = Mapping[FieldPath, str]

_PLACEHOLDER = LazyPattern(
    r"change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this)|(?:your|enter|insert)[-_ ].*|to[-_ ]?do|tbd|fixme"
    r"|x{3,}|\*{3,}|\.{3,}|-{3,}|<.*>|\$\{.*\}|\{\{.*\}\}|placeholder|example|sample|dummy|test|secret"
    r"|password|passw0rd|redacted|hidden|masked|none|null|nil|undefined|n/?a|empty|foo|bar",
    re.IGNORECASE,
)
_ACCESS_KEY_ID = LazyPattern(r"A(?:KIA|SIA)[A-Z0-9]{16}")
_SECRET_ACCESS_KEY = LazyPattern(r"[A-Za-z0-9/+]{40}")
_INVISIBLE_CHARACTER = LazyPattern(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffe]"
)
_TYPOGRAPHIC_CHARACTERS = {
    **dict.fromkeys("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb", "a typographic quote"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "a typographic dash"),
    "\u2026": "an ellipsis in one character",
    **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", "a blank that is not a space"),
}
"""What word processors and web pages put in place of typed characters."""
_MULTILINE_FIELDS = ("private_key", "ssh_private_key", "certificate", "service_account_json")
_ACCOUNT_KEY_BYTES = 64
_MIN_LENGTH = 8
_SERVICE_ACCOUNT_FIELDS = ("type", "project_id", "private_key_id", "private_key", "client_email", "token_uri")
_COMPARED_FIELDS = ("client_email", "project_id")


def find_surrounding_whitespace(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find leading and trailing whitespace, except in keys and JSON."""
    for path, value in values.items():
        if value != value.strip() and value.strip() and not value.lstrip().startswith(("-----BEGIN ", "{")):
            end = "begins" if value != value.lstrip() else "ends"
            yield build_secret_violation(resource, path, f"{mask_path(path)} {end} with whitespace")


def find_invisible_character(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find byte order marks, NUL, zero-width and control characters, which no login accepts."""
    for path, value in values.items():
        if match := _INVISIBLE_CHARACTER.search(value):
            kind = (
                "NUL characters, as UTF-16 text has them"
                if "\0" in value
                else "a byte order mark, or a zero-width or control character"
            )
            message = f"{mask_path(path)} contains {kind} (at character {match.start() + 1})"
            yield build_secret_violation(resource, path, message)


def find_typographic_character(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find quotes, dashes and blanks that a word processor put in place of typed ones."""
    for path, value in values.items():
        for position, character in enumerate(value, 1):
            if kind := _TYPOGRAPHIC_CHARACTERS.get(character):
                message = f"{mask_path(path)} has {kind} at character {position}"
                yield build_secret_violation(resource, path, message)
                break


def find_incomplete_json(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find text that begins or ends like a JSON object and is not one; KT382 is for service accounts."""
    for path, value in values.items():
        text = value.strip()
        is_cut = text.startswith('{"') or text.endswith('"}') or (text.startswith("{") and "\n" in text)
        if is_cut and path[-1] != "service_account_json" and _parse_object(text) is None:
            message = f"{mask_path(path)} looks like a part of a JSON object"
            yield build_secret_violation(resource, path, message)


def find_additional_lines(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find several lines in secrets that are neither keys, certificates nor JSON."""
    for path, value in values.items():
        text = value.strip()
        has_lines = "\n" in text or "\r" in text
        if has_lines and path[-1] not in _MULTILINE_FIELDS and not text.startswith(("-----BEGIN ", "{")):
            message = f"{mask_path(path)} has several lines; it takes one"
            yield build_secret_violation(resource, path, message)


def find_placeholder_secret(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find placeholders such as changeme."""
    for path, value in values.items():
        if _PLACEHOLDER.fullmatch(value.strip()):
            yield build_secret_violation(resource, path, f"{mask_path(path)} is a placeholder")


def find_short_secret(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find secrets that are short enough to guess."""
    for path, value in values.items():
        if 0 < len(value.strip()) < _MIN_LENGTH and not _PLACEHOLDER.fullmatch(value.strip()):
            yield build_secret_violation(
                resource, path, f"{mask_path(path)} has fewer than {_MIN_LENGTH} characters"
            )


def find_malformed_aws_key(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find malformed AWS keys."""
    if resource.type != "aws":
        return
    identity, secret = values.get(("access_key_id",), ""), values.get(("secret_access_key",), "")
    if identity.strip() and not _ACCESS_KEY_ID.fullmatch(identity.strip()):
        yield build_secret_violation(
            resource, ("access_key_id",), "access_key_id does not have the format of an AWS key id"
        )
    if secret.strip() and not _SECRET_ACCESS_KEY.fullmatch(secret.strip()):
        yield build_secret_violation(
            resource,
            ("secret_access_key",),
            "secret_access_key does not have the format of an AWS secret key",
        )


def find_malformed_access_key_id(resource: ResourceView, _: object) -> Iterator[Violation]:
    """Find malformed AWS access key ids, and temporary ones without a session token."""
    path = ("config", "access_key_id")
    identity = resource.config.get(path) if resource.type == "aws" else None
    if isinstance(identity, str) and not _ACCESS_KEY_ID.fullmatch(identity):
        yield Violation(
            resource=resource, path=path, message="access_key_id does not have the format of an AWS key id"
        )
    temporary = isinstance(identity, str) and identity.startswith("ASIA")
    if temporary and ("session_token",) not in resource.secret_paths:
        message = "access_key_id is temporary, but session_token is missing"
        yield Violation(resource=resource, path=path, message=message)


def find_incomplete_service_account(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find service account JSON with missing fields."""
    for path, value in _service_account_documents(resource, values):
        tree = _parse_object(value)
        if tree is None:
            yield build_secret_violation(resource, path, f"{mask_path(path)} is not a JSON object")
            continue
        missing = [part for part in _SERVICE_ACCOUNT_FIELDS if not tree.get(part)]
        if missing:
            yield build_secret_violation(resource, path, f"{mask_path(path)} lacks {', '.join(missing)}")
        elif tree["type"] != "service_account":
            yield build_secret_violation(
                resource, path, f"{mask_path(path)} is not JSON of type service_account"
            )


def find_contradicting_field(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find service account JSON that differs from the plain fields of the manifest."""
    for path, value in _service_account_documents(resource, values):
        tree = _parse_object(value) or {}
        for part in _COMPARED_FIELDS:
            stated = resource.config.get(("config", part))
            if stated and tree.get(part) and tree[part] != stated:
                message = f"config.{part} differs from that in {mask_path(path)}"
                yield Violation(resource=resource, path=("config", part), message=message)


def find_malformed_azure_secret(resource: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find incomplete connection strings, signatures and account keys of Azure storage."""
    if resource.type != "azure":
        return
    for path, value in values.items():
        find_problem = _AZURE_PROBLEMS.get(path[-1])
        message = find_problem(value.strip()) if find_problem and value.strip() else ""
        if message:
            yield build_secret_violation(resource, path, f"{mask_path(path)} {message}")


def build_secret_violation(resource: ResourceView, path: FieldPath, message: str) -> Violation:
    """Return a violation at the secret field ``path``."""
    return Violation(resource=resource, path=("secrets", *path), message=message, at_key=True)


def parse_signature(text: str) -> dict[str, str]:
    """Return the parameters of a shared access signature; the last of duplicates wins, as in a query."""
    pairs = (pair.partition("=") for pair in text.lstrip("?").split("&"))
    return {name: value for name, _, value in pairs}


def extract_private_key(text: str) -> str:
    """Return the private key in service account JSON; empty without one."""
    key = (_parse_object(text) or {}).get("private_key")
    return key if isinstance(key, str) else ""


def _service_account_documents(
    resource: ResourceView, values: SecretValues
) -> Iterator[tuple[FieldPath, str]]:
    for path, value in values.items():
        if resource.type == "gcp" and path[-1] == "service_account_json" and value.strip():
            yield path, value


def _parse_object(text: str) -> dict[str, object] | None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def _signature_problem(text: str) -> str:
    parts = parse_signature(text)
    missing = [name for name in ("sv", "sig") if not parts.get(name)]
    if not parts.get("se") and not parts.get("si"):
        missing.append("se")
    return f"lacks {', '.join(missing)}" if missing else ""


def _connection_string_problem(text: str) -> str:
    pairs = (pair.partition("=") for pair in text.split(";"))
    parts = {name.strip().lower(): value for name, _, value in pairs}
    if parts.get("sharedaccesssignature"):
        return _signature_problem(parts["sharedaccesssignature"])
    missing = [name for name in ("AccountName", "AccountKey") if not parts.get(name.lower())]
    return f"lacks {', '.join(missing)}" if missing else _account_key_problem(parts["accountkey"])


def _account_key_problem(text: str) -> str:
    try:
        is_valid = len(base64.b64decode(text, validate=True)) == _ACCOUNT_KEY_BYTES
    except ValueError:
        is_valid = False
    return "" if is_valid else f"has no account key of {_ACCOUNT_KEY_BYTES} bytes in base64"


_AZURE_PROBLEMS = {
    "sas_token": _signature_problem,
    "connection_string": _connection_string_problem,
    "account_key": _account_key_problem,
    "storage_key": _account_key_problem,
}
