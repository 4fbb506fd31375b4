"""Opened secrets as text: blanks, placeholders, length, and the forms in which vendors give keys.

Values come in as text; nothing that goes out holds any part of one.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from keyturn.model.fields import FieldPath
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation
from keyturn.policy.text_matching import LazyPattern, safe_field_name

SecretValues: TypeAlias = Mapping[FieldPath, str]

_PLACEHOLDER = LazyPattern(
    r"change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this)|(?:your|enter|insert)[-_ ].*|to[-_ ]?do|tbd|fixme"
    r"|x{3,}|\*{3,}|\.{3,}|-{3,}|<.*>|\$\{.*\}|\{\{.*\}\}|placeholder|example|sample|dummy|test|secret"
    r"|password|passw0rd|redacted|hidden|masked|none|null|nil|undefined|n/?a|empty|foo|bar",
    re.IGNORECASE,
)
_ACCESS_KEY_ID = LazyPattern(r"A(?:KIA|SIA)[A-Z0-9]{16}")
_SECRET_ACCESS_KEY = LazyPattern(r"[A-Za-z0-9/+]{40}")
_ACCOUNT_KEY_BYTES = 64
_MIN_LENGTH = 8
_SERVICE_ACCOUNT_FIELDS = ("type", "project_id", "private_key_id", "private_key", "client_email", "token_uri")
_COMPARED_FIELDS = ("client_email", "project_id")


def surrounding_whitespace(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find blanks and newlines at the ends; keys and JSON end with a newline rightly."""
    for path, value in values.items():
        if value != value.strip() and value.strip() and not value.lstrip().startswith(("-----BEGIN ", "{")):
            end = "begins" if value != value.lstrip() else "ends"
            yield secret_violation(subject, path, f"{safe_field_name(path)} {end} with a blank or newline")


def placeholder_secret(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find words that were there to be replaced."""
    for path, value in values.items():
        if _PLACEHOLDER.fullmatch(value.strip()):
            yield secret_violation(subject, path, f"{safe_field_name(path)} is a placeholder")


def short_secret(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find secrets that can be guessed by trying."""
    for path, value in values.items():
        if 0 < len(value.strip()) < _MIN_LENGTH and not _PLACEHOLDER.fullmatch(value.strip()):
            yield secret_violation(
                subject, path, f"{safe_field_name(path)} has fewer than {_MIN_LENGTH} characters"
            )


def malformed_aws_key(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find AWS keys that have not the form of one."""
    if subject.type != "aws":
        return
    identity, secret = values.get(("access_key_id",), ""), values.get(("secret_access_key",), "")
    if identity.strip() and not _ACCESS_KEY_ID.fullmatch(identity.strip()):
        yield secret_violation(subject, ("access_key_id",), "access_key_id has not the form of one")
    if secret.strip() and not _SECRET_ACCESS_KEY.fullmatch(secret.strip()):
        yield secret_violation(subject, ("secret_access_key",), "secret_access_key has not the form of one")


def malformed_access_key_id(subject: ResourceView, _: object) -> Iterator[Violation]:
    """Find plain ids of AWS keys that have not the form of one, and temporary ones without a session."""
    path = ("config", "access_key_id")
    identity = subject.config.get(path) if subject.type == "aws" else None
    if isinstance(identity, str) and not _ACCESS_KEY_ID.fullmatch(identity):
        yield Violation(resource=subject, path=path, message="access_key_id has not the form of one")
    temporary = isinstance(identity, str) and identity.startswith("ASIA")
    if temporary and ("session_token",) not in subject.secret_paths:
        message = "access_key_id is a temporary one, and there is no session_token"
        yield Violation(resource=subject, path=path, message=message)


def incomplete_service_account(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find JSON of service accounts that lacks parts."""
    for path, value in _service_account_documents(subject, values):
        tree = _parse_object(value)
        if tree is None:
            yield secret_violation(subject, path, f"{safe_field_name(path)} is not a JSON object")
            continue
        missing = [part for part in _SERVICE_ACCOUNT_FIELDS if not tree.get(part)]
        if missing:
            yield secret_violation(subject, path, f"{safe_field_name(path)} lacks {', '.join(missing)}")
        elif tree["type"] != "service_account":
            yield secret_violation(
                subject, path, f"{safe_field_name(path)} is JSON of another type than service_account"
            )


def contradicting_field(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find JSON of service accounts that differs from the plain fields beside it."""
    for path, value in _service_account_documents(subject, values):
        tree = _parse_object(value) or {}
        for part in _COMPARED_FIELDS:
            stated = subject.config.get(("config", part))
            if stated and tree.get(part) and tree[part] != stated:
                message = f"config.{part} is not the one within {safe_field_name(path)}"
                yield Violation(resource=subject, path=("config", part), message=message)


def malformed_azure_secret(subject: ResourceView, values: SecretValues) -> Iterator[Violation]:
    """Find connection strings, signatures and account keys of Azure storage that are not whole."""
    if subject.type != "azure":
        return
    for path, value in values.items():
        lacking = _AZURE_PROBLEMS.get(path[-1])
        message = lacking(value.strip()) if lacking and value.strip() else ""
        if message:
            yield secret_violation(subject, path, f"{safe_field_name(path)} {message}")


def secret_violation(subject: ResourceView, path: FieldPath, message: str) -> Violation:
    """Return a finding about the secret field at ``path``."""
    return Violation(resource=subject, path=("secrets", *path), message=message, at_key=True)


def parse_signature(text: str) -> dict[str, str]:
    """Return the parts of a shared access signature; later ones win, as they do in a query."""
    pairs = (pair.partition("=") for pair in text.lstrip("?").split("&"))
    return {name: value for name, _, value in pairs}


def extract_private_key(text: str) -> str:
    """Return the private key within a service account's JSON, or nothing."""
    key = (_parse_object(text) or {}).get("private_key")
    return key if isinstance(key, str) else ""


def _service_account_documents(
    subject: ResourceView, values: SecretValues
) -> Iterator[tuple[FieldPath, str]]:
    for path, value in values.items():
        if subject.type == "gcp" and path[-1] == "service_account_json" and value.strip():
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
        whole = len(base64.b64decode(text, validate=True)) == _ACCOUNT_KEY_BYTES
    except ValueError:
        whole = False
    return "" if whole else f"has no account key of {_ACCOUNT_KEY_BYTES} bytes in base64"


_AZURE_PROBLEMS = {
    "sas_token": _signature_problem,
    "connection_string": _connection_string_problem,
    "account_key": _account_key_problem,
    "storage_key": _account_key_problem,
}
