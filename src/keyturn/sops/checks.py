"""Checks of how a file is encrypted; they need no key and run before decryption.

A file names its recipients and the key servers that sops would contact. A file that policy does not
allow is never passed to sops.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, error_diagnostic, warning_diagnostic
from keyturn.model.fields import FieldPath, mask_path
from keyturn.policy.settings import PolicySettings, find_required_recipients
from keyturn.sops.ciphertext import looks_encrypted, parse_ciphertext
from keyturn.sops.metadata import Recipient, SopsMetadata, compile_selector, parse_metadata
from keyturn.yamldoc.reader import Document

SECRETS_BLOCK: Final = "secrets"
"""The top-level key of the encrypted values; all values outside of it are plain text."""

MIN_FILE_VERSION: Final = (3, 0, 0)
"""The oldest sops version whose files are accepted."""

_SECRETS_LINE: Final = re.compile(r"""^(["']?)secrets\1[ \t]*:""", re.MULTILINE)
_REENCRYPT_HINT: Final = "encrypt the file again with `encrypted_regex: ^secrets$`"


def check_encryption(document: Document, settings: PolicySettings) -> tuple[Diagnostic, ...]:
    """Return the problems of the encryption of a file by ``settings`` (KT201 to KT216).

    A file without ``secrets:`` and without ``sops:`` needs no encryption.
    """
    if "sops" not in document.tree:
        return tuple(_check_plain_file(document))
    metadata = parse_metadata(document)
    if not isinstance(metadata, SopsMetadata):
        return (*metadata, *_check_values(document))
    return (
        *check_key_servers(document, metadata, settings),
        *_check_metadata(document, metadata, settings),
        *_check_values(document),
    )


def check_key_servers(
    document: Document, metadata: SopsMetadata, settings: PolicySettings
) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each key type (KT206) and each key server (KT207) that policy does not allow."""
    for recipient in metadata.recipients:
        if recipient.kind not in settings.key_types:
            origin = document.find_location(("sops", *recipient.path))
            allowed = ", ".join(settings.key_types)
            message = f"key type {recipient.kind} is not allowed by policy"
            yield error_diagnostic("KT206", origin, message, f"allowed: {allowed}; see policy.key_types")
        elif recipient.server and not _is_allowed_server(recipient.server, settings.servers):
            origin = document.find_location(("sops", *recipient.path))
            hint = "add the server to policy.servers, or remove the key; sops sends your token to this server"
            yield error_diagnostic("KT207", origin, "the key server is not allowed by policy", hint)


def _is_allowed_server(server: str, servers: tuple[str, ...]) -> bool:
    return any(server.rstrip("/") == allowed.rstrip("/") for allowed in servers)


def _check_plain_file(document: Document) -> Iterator[Diagnostic]:
    block = document.tree.get(SECRETS_BLOCK)
    if block not in (None, {}, []):
        hint = "run `sops encrypt --in-place` on it; if it was pushed, rotate the secrets"
        origin = document.find_location((SECRETS_BLOCK,), key=True)
        message = "the file has secrets but is not encrypted"
        yield error_diagnostic("KT201", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
    elif SECRETS_BLOCK in document.tree:
        yield _empty_secret_error(document, (SECRETS_BLOCK,))


def _check_metadata(
    document: Document, metadata: SopsMetadata, settings: PolicySettings
) -> Iterator[Diagnostic]:
    mac = parse_ciphertext(metadata.mac)
    if mac is None or mac.type != "str":
        origin = document.find_location(("sops", "mac"))
        yield error_diagnostic(
            "KT203", origin, "the MAC is damaged", "restore the file from git, or encrypt it again"
        )
    if metadata.mac_only_encrypted:
        origin = document.find_location(("sops", "mac_only_encrypted"), key=True)
        message = (
            "the MAC covers only encrypted values, so a secret's destination can be changed without the key"
        )
        yield error_diagnostic(
            "KT204", origin, message, f"remove mac_only_encrypted from .sops.yaml and {_REENCRYPT_HINT}"
        )
    if metadata.version < MIN_FILE_VERSION:
        origin = document.find_location(("sops", "version"))
        yield error_diagnostic(
            "KT205", origin, "the file was encrypted by a sops older than 3.0", "run `sops rotate` on it"
        )
    yield from _check_recipients(document, metadata.recipients, settings)
    yield from _check_selector(document, metadata)


def _check_recipients(
    document: Document, recipients: tuple[Recipient, ...], settings: PolicySettings
) -> Iterator[Diagnostic]:
    required = find_required_recipients(settings, document.file)
    if required is None:
        return
    hint = "run `sops updatekeys` on it, and `sops rotate` after a removal; or correct policy.recipients"
    for recipient in recipients:
        if recipient.name not in required:
            message = f"recipient {recipient.name} is not in policy for this path"
            yield error_diagnostic("KT208", document.find_location(("sops", *recipient.path)), message, hint)
    for name in required:
        if all(recipient.name != name for recipient in recipients):
            message = f"recipient {name} is required by policy for this path and is missing"
            yield error_diagnostic("KT208", document.find_location(("sops",), key=True), message, hint)


def _check_selector(document: Document, metadata: SopsMetadata) -> Iterator[Diagnostic]:
    selector = compile_selector(metadata.selector, metadata.pattern)
    leaves = [path for path, _ in _walk_leaves(document.tree.get(SECRETS_BLOCK), (SECRETS_BLOCK,))]
    if selector is None:
        message = f"{metadata.selector} has a pattern that keyturn cannot evaluate"
    elif not all(map(selector, [(SECRETS_BLOCK,), *leaves])):
        message = "the selector leaves values under secrets: in plain text"
    elif any(map(selector, _find_plaintext_paths(document))):
        message = "the selector covers values that are in plain text, so the file cannot be decrypted"
    else:
        return
    origin = document.find_location(("sops", metadata.selector) if metadata.selector else ("sops",), key=True)
    yield error_diagnostic("KT214", origin, message, _REENCRYPT_HINT)


def _find_plaintext_paths(document: Document) -> Iterator[FieldPath]:
    for key, value in document.tree.items():
        if key not in (SECRETS_BLOCK, "sops"):
            for path, leaf in _walk_leaves(value, (key,)):
                if not looks_encrypted(leaf) and leaf not in (None, "", [], {}):
                    yield path


def _check_values(document: Document) -> Iterator[Diagnostic]:
    for key, value in document.tree.items():
        if key == SECRETS_BLOCK:
            yield from _check_secrets(document, value)
        elif key != "sops":
            for path, leaf in _walk_leaves(value, (key,)):
                if looks_encrypted(leaf):
                    message = f"{mask_path(path)} is encrypted but not under secrets:"
                    origin = document.find_location(path)
                    yield error_diagnostic(
                        "KT210", origin, message, _REENCRYPT_HINT, cause=Cause.POSSIBLE_PLAINTEXT
                    )
    yield from _check_comments(document)


def _check_secrets(document: Document, block: Any) -> Iterator[Diagnostic]:
    for path, leaf in _walk_leaves(block, (SECRETS_BLOCK,)):
        name = mask_path(path)
        if _is_in_list(block, path):
            message = f"{name} is an item of a list"
            hint = "give each secret a name of its own"
            yield error_diagnostic(
                "KT216", document.find_location(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT
            )
        elif leaf in (None, "", [], {}) and not isinstance(leaf, bool | int):
            yield _empty_secret_error(document, path)
        elif not looks_encrypted(leaf):
            message = f"{name} is in plain text"
            hint = "remove the line, then use `keyturn secret set`; if it was pushed, rotate the secret"
            yield error_diagnostic(
                "KT209", document.find_location(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT
            )
        elif (cipher := parse_ciphertext(leaf)) is None:
            message = f"the ciphertext of {name} is damaged"
            hint = "restore the line from git, or set the secret again"
            yield error_diagnostic(
                "KT211", document.find_location(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT
            )
        elif cipher.type != "str":
            message = f"{name} is not encrypted as text"
            hint = "set it again with `keyturn secret set`; an unquoted number may have lost digits"
            yield error_diagnostic(
                "KT213", document.find_location(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT
            )


def _is_in_list(block: Any, path: FieldPath) -> bool:
    for key in path[1:]:
        if isinstance(block, list):
            return True
        block = block.get(key) if isinstance(block, dict) else None
    return False


def _empty_secret_error(document: Document, path: FieldPath) -> Diagnostic:
    message = f"{mask_path(path)} is empty"
    hint = "set it, remove the line, or list the field under keep: to leave the live value unchanged"
    return error_diagnostic("KT212", document.find_location(path), message, hint, cause=Cause.EMPTY_VALUE)


def _check_comments(document: Document) -> Iterator[Diagnostic]:
    begin = _SECRETS_LINE.search(document.text)
    if begin is None or "#" not in document.text[begin.end() :]:
        return
    first = document.text.count("\n", 0, begin.start()) + 1
    for number, line in enumerate(document.text.split("\n")[first:], first + 1):
        if line[:1] not in ("", " ", "\r", "#"):
            return
        if column := _find_comment_column(line):
            hint = (
                "remove it; sops leaves some comments in plain text, and comments often contain old passwords"
            )
            origin = SourceLocation(document.file, number, column)
            message = "a plain-text comment next to secrets"
            yield warning_diagnostic("KT215", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)


def _find_comment_column(line: str) -> int:
    text = line.lstrip()
    if text.startswith("#"):
        is_indented = line[0] == " " and not text.startswith("#ENC[")
        return len(line) - len(text) + 1 if is_indented else 0
    after = line.find(" #", line.find("ENC[")) if "ENC[" in line else -1
    return after + 2 if after >= 0 else 0


def _walk_leaves(tree: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    pending = [(path, tree)]
    while pending:
        here, value = pending.pop()
        if isinstance(value, dict) and value:
            pending.extend(((*here, key), inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list) and value:
            items = [((*here, str(index)), inner) for index, inner in enumerate(value)]
            pending.extend(reversed(items))
        else:
            yield here, value
