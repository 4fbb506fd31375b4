"""Opened secrets as text: blanks, placeholders, length, and the forms in which vendors give keys.

Values come in as text; nothing that goes out holds any part of one.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from keyturn.core.fields import Path
from keyturn.policy.pattern import Pattern
from keyturn.policy.rule import Found
from keyturn.policy.subject import Subject
from keyturn.policy.words import say

Values: TypeAlias = Mapping[Path, str]

_PLACEHOLDER = Pattern(
    r"change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this)|(?:your|enter|insert)[-_ ].*|to[-_ ]?do|tbd|fixme"
    r"|x{3,}|\*{3,}|\.{3,}|-{3,}|<.*>|\$\{.*\}|\{\{.*\}\}|placeholder|example|sample|dummy|test|secret"
    r"|password|passw0rd|redacted|hidden|masked|none|null|nil|undefined|n/?a|empty|foo|bar",
    re.IGNORECASE,
)
_ACCESS_KEY_ID = Pattern(r"A(?:KIA|SIA)[A-Z0-9]{16}")
_SECRET_ACCESS_KEY = Pattern(r"[A-Za-z0-9/+]{40}")
_ACCOUNT_KEY_BYTES = 64
_SHORT = 8
_SERVICE_ACCOUNT = ("type", "project_id", "private_key_id", "private_key", "client_email", "token_uri")
_COMPARED = ("client_email", "project_id")


def blanks(subject: Subject, values: Values) -> Iterator[Found]:
    """Find blanks and newlines at the ends; keys and JSON end with a newline rightly."""
    for path, value in values.items():
        if value != value.strip() and value.strip() and not value.lstrip().startswith(("-----BEGIN ", "{")):
            end = "begins" if value != value.lstrip() else "ends"
            yield found(subject, path, f"{say(path)} {end} with a blank or newline")


def placeholders(subject: Subject, values: Values) -> Iterator[Found]:
    """Find words that were there to be replaced."""
    for path, value in values.items():
        if _PLACEHOLDER.fullmatch(value.strip()):
            yield found(subject, path, f"{say(path)} is a placeholder")


def short(subject: Subject, values: Values) -> Iterator[Found]:
    """Find secrets that can be guessed by trying."""
    for path, value in values.items():
        if 0 < len(value.strip()) < _SHORT and not _PLACEHOLDER.fullmatch(value.strip()):
            yield found(subject, path, f"{say(path)} has fewer than {_SHORT} characters")


def aws_keys(subject: Subject, values: Values) -> Iterator[Found]:
    """Find AWS keys that have not the form of one."""
    if subject.type != "aws":
        return
    identity, secret = values.get(("access_key_id",), ""), values.get(("secret_access_key",), "")
    if identity.strip() and not _ACCESS_KEY_ID.fullmatch(identity.strip()):
        yield found(subject, ("access_key_id",), "access_key_id has not the form of one")
    if secret.strip() and not _SECRET_ACCESS_KEY.fullmatch(secret.strip()):
        yield found(subject, ("secret_access_key",), "secret_access_key has not the form of one")


def plain_aws_key(subject: Subject, _: object) -> Iterator[Found]:
    """Find plain ids of AWS keys that have not the form of one, and temporary ones without a session."""
    path = ("config", "access_key_id")
    identity = subject.config.get(path) if subject.type == "aws" else None
    if isinstance(identity, str) and not _ACCESS_KEY_ID.fullmatch(identity):
        yield Found(subject=subject, path=path, message="access_key_id has not the form of one")
    temporary = isinstance(identity, str) and identity.startswith("ASIA")
    if temporary and ("session_token",) not in subject.secret_paths:
        message = "access_key_id is a temporary one, and there is no session_token"
        yield Found(subject=subject, path=path, message=message)


def service_accounts(subject: Subject, values: Values) -> Iterator[Found]:
    """Find JSON of service accounts that lacks parts."""
    for path, value in _documents(subject, values):
        tree = _parsed(value)
        if tree is None:
            yield found(subject, path, f"{say(path)} is not a JSON object")
            continue
        missing = [part for part in _SERVICE_ACCOUNT if not tree.get(part)]
        if missing:
            yield found(subject, path, f"{say(path)} lacks {', '.join(missing)}")
        elif tree["type"] != "service_account":
            yield found(subject, path, f"{say(path)} is JSON of another type than service_account")


def contradicted(subject: Subject, values: Values) -> Iterator[Found]:
    """Find JSON of service accounts that differs from the plain fields beside it."""
    for path, value in _documents(subject, values):
        tree = _parsed(value) or {}
        for part in _COMPARED:
            stated = subject.config.get(("config", part))
            if stated and tree.get(part) and tree[part] != stated:
                message = f"config.{part} is not the one within {say(path)}"
                yield Found(subject=subject, path=("config", part), message=message)


def azure_strings(subject: Subject, values: Values) -> Iterator[Found]:
    """Find connection strings, signatures and account keys of Azure storage that are not whole."""
    if subject.type != "azure":
        return
    for path, value in values.items():
        lacking = _LACKING.get(path[-1])
        message = lacking(value.strip()) if lacking and value.strip() else ""
        if message:
            yield found(subject, path, f"{say(path)} {message}")


def found(subject: Subject, path: Path, message: str) -> Found:
    """Return a finding about the secret field at ``path``."""
    return Found(subject=subject, path=("secrets", *path), message=message, key=True)


def signature_parts(text: str) -> dict[str, str]:
    """Return the parts of a shared access signature; later ones win, as they do in a query."""
    pairs = (pair.partition("=") for pair in text.lstrip("?").split("&"))
    return {name: value for name, _, value in pairs}


def service_account_key(text: str) -> str:
    """Return the private key within a service account's JSON, or nothing."""
    key = (_parsed(text) or {}).get("private_key")
    return key if isinstance(key, str) else ""


def _documents(subject: Subject, values: Values) -> Iterator[tuple[Path, str]]:
    for path, value in values.items():
        if subject.type == "gcp" and path[-1] == "service_account_json" and value.strip():
            yield path, value


def _parsed(text: str) -> dict[str, object] | None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def _lacking_signature(text: str) -> str:
    parts = signature_parts(text)
    missing = [name for name in ("sv", "sig") if not parts.get(name)]
    if not parts.get("se") and not parts.get("si"):
        missing.append("se")
    return f"lacks {', '.join(missing)}" if missing else ""


def _lacking_string(text: str) -> str:
    pairs = (pair.partition("=") for pair in text.split(";"))
    parts = {name.strip().lower(): value for name, _, value in pairs}
    if parts.get("sharedaccesssignature"):
        return _lacking_signature(parts["sharedaccesssignature"])
    missing = [name for name in ("AccountName", "AccountKey") if not parts.get(name.lower())]
    return f"lacks {', '.join(missing)}" if missing else _lacking_key(parts["accountkey"])


def _lacking_key(text: str) -> str:
    try:
        whole = len(base64.b64decode(text, validate=True)) == _ACCOUNT_KEY_BYTES
    except ValueError:
        whole = False
    return "" if whole else f"has no account key of {_ACCOUNT_KEY_BYTES} bytes in base64"


_LACKING = {
    "sas_token": _lacking_signature,
    "connection_string": _lacking_string,
    "account_key": _lacking_key,
    "storage_key": _lacking_key,
}
