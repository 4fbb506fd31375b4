"""The envelope of a file, judged before any decryption and without a key.

A file names who can open it and which server is asked for its key, so all of that is settled
before a process is started: what is not allowed here never reaches sops.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, error_diagnostic, warning_diagnostic
from keyturn.model.fields import FieldPath, format_path
from keyturn.policy.settings import PolicySettings, recipients_for
from keyturn.sops.ciphertext import looks_encrypted, parse_ciphertext
from keyturn.sops.metadata import Recipient, SopsMetadata, compile_selector, parse_metadata
from keyturn.yamldoc.reader import Document

SECRETS_BLOCK: Final = "secrets"
"""The top-level key below which every value is encrypted, and nothing else is."""

MIN_FILE_VERSION: Final = (3, 0, 0)
"""The oldest sops whose files are read."""

_SECRETS_LINE: Final = re.compile(r"""^(["']?)secrets\1[ \t]*:""", re.MULTILINE)
_REENCRYPT_HINT: Final = "encrypt the file again with `encrypted_regex: ^secrets$`"


def check_encryption(document: Document, settings: PolicySettings) -> tuple[Diagnostic, ...]:
    """Return what is wrong with how a file is encrypted (KT201 to KT216), as policy asks it.

    A file without ``secrets:`` and without ``sops:`` is plain and fine.
    """
    if "sops" not in document.tree:
        return tuple(_check_plain_file(document))
    found = parse_metadata(document)
    if not isinstance(found, SopsMetadata):
        return (*found, *_check_values(document))
    return (
        *check_key_servers(document, found, settings),
        *_check_metadata(document, found, settings),
        *_check_values(document),
    )


def check_key_servers(
    document: Document, found: SopsMetadata, settings: PolicySettings
) -> Iterator[Diagnostic]:
    """Yield a finding for each key that sops must not ask for: its kind (KT206), its server (KT207)."""
    for recipient in found.recipients:
        if recipient.kind not in settings.key_types:
            origin = document.find_location(("sops", *recipient.path))
            allowed = ", ".join(settings.key_types)
            message = f"a key of kind {recipient.kind}, which policy does not allow"
            yield error_diagnostic("KT206", origin, message, f"allowed: {allowed}; see policy.key_types")
        elif recipient.server and not _is_allowed_server(recipient.server, settings.servers):
            origin = document.find_location(("sops", *recipient.path))
            hint = "name the server in policy.servers, or remove the key: sops sends it your token"
            yield error_diagnostic("KT207", origin, "a key server that policy does not name", hint)


def _is_allowed_server(server: str, servers: tuple[str, ...]) -> bool:
    return any(server.rstrip("/") == one.rstrip("/") for one in servers)


def _check_plain_file(document: Document) -> Iterator[Diagnostic]:
    block = document.tree.get(SECRETS_BLOCK)
    if block not in (None, {}, []):
        hint = "run `sops encrypt --in-place` on it; if it was pushed, the secrets are lost: rotate them"
        origin = document.find_location((SECRETS_BLOCK,), key=True)
        message = "the file has secrets but is not encrypted"
        yield error_diagnostic("KT201", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
    elif SECRETS_BLOCK in document.tree:
        yield _empty_secret_error(document, (SECRETS_BLOCK,))


def _check_metadata(
    document: Document, found: SopsMetadata, settings: PolicySettings
) -> Iterator[Diagnostic]:
    mac = parse_ciphertext(found.mac)
    if mac is None or mac.type != "str":
        origin = document.find_location(("sops", "mac"))
        yield error_diagnostic(
            "KT203", origin, "the MAC is damaged", "take the file back from git, or encrypt it again"
        )
    if found.mac_only_encrypted:
        origin = document.find_location(("sops", "mac_only_encrypted"), key=True)
        message = "the MAC covers encrypted values only, so anybody can change where a secret is sent"
        yield error_diagnostic("KT204", origin, message, f"take it out of .sops.yaml and {_REENCRYPT_HINT}")
    if found.version < MIN_FILE_VERSION:
        origin = document.find_location(("sops", "version"))
        yield error_diagnostic(
            "KT205", origin, "the file was encrypted by a sops before 3.0", "run `sops rotate` on it"
        )
    yield from _check_recipients(document, found.recipients, settings)
    yield from _check_selector(document, found)


def _check_recipients(
    document: Document, recipients: tuple[Recipient, ...], settings: PolicySettings
) -> Iterator[Diagnostic]:
    wanted = recipients_for(settings, document.file)
    if wanted is None:
        return
    hint = "run `sops updatekeys` on it, and `sops rotate` after a removal; or correct policy.recipients"
    for recipient in recipients:
        if recipient.name not in wanted:
            message = f"the recipient {recipient.name} is not one that policy names for this path"
            yield error_diagnostic("KT208", document.find_location(("sops", *recipient.path)), message, hint)
    for name in wanted:
        if all(recipient.name != name for recipient in recipients):
            message = f"the recipient {name}, which policy names for this path, is missing"
            yield error_diagnostic("KT208", document.find_location(("sops",), key=True), message, hint)


def _check_selector(document: Document, found: SopsMetadata) -> Iterator[Diagnostic]:
    chosen = compile_selector(found.selector, found.pattern)
    leaves = [path for path, _ in _walk_leaves(document.tree.get(SECRETS_BLOCK), (SECRETS_BLOCK,))]
    if chosen is None:
        message = f"what {found.selector} covers cannot be told for certain"
    elif not all(map(chosen, [(SECRETS_BLOCK,), *leaves])):
        message = "the selector leaves values below secrets: in clear"
    elif any(map(chosen, _find_plaintext_paths(document))):
        message = "the selector covers values that stand in clear, so the file will not open"
    else:
        return
    origin = document.find_location(("sops", found.selector) if found.selector else ("sops",), key=True)
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
                    message = f"{format_path(path)} is encrypted, but is not below secrets:"
                    origin = document.find_location(path)
                    yield error_diagnostic(
                        "KT210", origin, message, _REENCRYPT_HINT, cause=Cause.POSSIBLE_PLAINTEXT
                    )
    yield from _check_comments(document)


def _check_secrets(document: Document, block: Any) -> Iterator[Diagnostic]:
    for path, leaf in _walk_leaves(block, (SECRETS_BLOCK,)):
        name = format_path(path)
        if _is_in_list(block, path):
            message = f"{name} is an item of a list"
            hint = "give each secret a name of its own"
            yield error_diagnostic(
                "KT216", document.find_location(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT
            )
        elif leaf in (None, "", [], {}) and not isinstance(leaf, bool | int):
            yield _empty_secret_error(document, path)
        elif not looks_encrypted(leaf):
            message = f"{name} stands in clear"
            hint = "remove the line, then use `keyturn secret set`; if it was pushed, it is lost: rotate it"
            yield error_diagnostic(
                "KT209", document.find_location(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT
            )
        elif (cipher := parse_ciphertext(leaf)) is None:
            message = f"the ciphertext of {name} is damaged"
            hint = "take the line back from git, or set the secret again"
            yield error_diagnostic(
                "KT211", document.find_location(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT
            )
        elif cipher.type != "str":
            message = f"{name} was encrypted as something other than text"
            hint = "set it again with `keyturn secret set`: without quotes, digits may have been lost"
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
    message = f"{format_path(path)} is empty"
    hint = "set it, remove the line, or name the field under keep: to leave the live value alone"
    return error_diagnostic("KT212", document.find_location(path), message, hint, cause=Cause.EMPTY_VALUE)


def _check_comments(document: Document) -> Iterator[Diagnostic]:
    begin = _SECRETS_LINE.search(document.text)
    if begin is None or "#" not in document.text[begin.end() :]:
        return
    first = document.text.count("\n", 0, begin.start()) + 1
    for number, line in enumerate(document.text.split("\n")[first:], first + 1):
        if line[:1] not in ("", " ", "\r", "#"):
            return
        column = _find_comment_column(line)
        if column:
            hint = "remove it: sops encrypts comments by halves, and old passwords live in them"
            origin = SourceLocation(document.file, number, column)
            message = "a comment in clear beside secrets"
            yield warning_diagnostic("KT215", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)


def _find_comment_column(line: str) -> int:
    text = line.lstrip()
    if text.startswith("#"):
        own = line[0] == " " and not text.startswith("#ENC[")
        return len(line) - len(text) + 1 if own else 0
    after = line.find(" #", line.find("ENC[")) if "ENC[" in line else -1
    return after + 2 if after >= 0 else 0


def _walk_leaves(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    pending = [(path, value)]
    while pending:
        here, leaf = pending.pop()
        if isinstance(leaf, dict) and leaf:
            pending.extend(((*here, key), inner) for key, inner in reversed(leaf.items()))
        elif isinstance(leaf, list) and leaf:
            rows = [((*here, str(index)), inner) for index, inner in enumerate(leaf)]
            pending.extend(reversed(rows))
        else:
            yield here, leaf
