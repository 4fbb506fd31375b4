"""The envelope of a file, judged before any decryption and without a key.

A file names who can open it and which server is asked for its key, so all of that is settled
before a process is started: what is not allowed here never reaches sops.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Cause, Diagnostic
from keyturn.core.fields import Path, dotted
from keyturn.load.ciphertext import looks_encrypted, parse
from keyturn.load.findings import doubt, fault
from keyturn.load.metadata import Envelope, Recipient, envelope
from keyturn.load.nodes import Document
from keyturn.load.selectors import chooser
from keyturn.policy.settings import Settings, recipients_for

BLOCK: Final = "secrets"
"""The top-level key below which every value is encrypted, and nothing else is."""

FLOOR: Final = (3, 0, 0)
"""The oldest sops whose files are read."""

_BEGIN: Final = re.compile(r"""^(["']?)secrets\1[ \t]*:""", re.MULTILINE)
_AGAIN: Final = "encrypt the file again with `encrypted_regex: ^secrets$`"


def judge(document: Document, settings: Settings) -> tuple[Diagnostic, ...]:
    """Return what is wrong with how a file is encrypted (KT201 to KT216), as policy asks it.

    A file without ``secrets:`` and without ``sops:`` is plain and fine.
    """
    if "sops" not in document.tree:
        return tuple(_plain(document))
    found = envelope(document)
    if not isinstance(found, Envelope):
        return (*found, *_values(document))
    return (*reachable(document, found, settings), *_sound(document, found, settings), *_values(document))


def reachable(document: Document, found: Envelope, settings: Settings) -> Iterator[Diagnostic]:
    """Yield a finding for each key that sops must not ask for: its kind (KT206), its server (KT207)."""
    for recipient in found.recipients:
        if recipient.kind not in settings.key_types:
            origin = document.origin(("sops", *recipient.path))
            allowed = ", ".join(settings.key_types)
            message = f"a key of kind {recipient.kind}, which policy does not allow"
            yield fault("KT206", origin, message, f"allowed: {allowed}; see policy.key_types")
        elif recipient.server and not _allowed(recipient.server, settings.servers):
            origin = document.origin(("sops", *recipient.path))
            hint = "name the server in policy.servers, or remove the key: sops sends it your token"
            yield fault("KT207", origin, "a key server that policy does not name", hint)


def _allowed(server: str, servers: tuple[str, ...]) -> bool:
    return any(server.rstrip("/") == one.rstrip("/") for one in servers)


def _plain(document: Document) -> Iterator[Diagnostic]:
    block = document.tree.get(BLOCK)
    if block not in (None, {}, []):
        hint = "run `sops encrypt --in-place` on it; if it was pushed, the secrets are lost: rotate them"
        origin = document.origin((BLOCK,), key=True)
        message = "the file has secrets but is not encrypted"
        yield fault("KT201", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
    elif BLOCK in document.tree:
        yield _empty(document, (BLOCK,))


def _sound(document: Document, found: Envelope, settings: Settings) -> Iterator[Diagnostic]:
    mac = parse(found.mac)
    if mac is None or mac.type != "str":
        origin = document.origin(("sops", "mac"))
        yield fault("KT203", origin, "the MAC is damaged", "take the file back from git, or encrypt it again")
    if found.mac_only_encrypted:
        origin = document.origin(("sops", "mac_only_encrypted"), key=True)
        message = "the MAC covers encrypted values only, so anybody can change where a secret is sent"
        yield fault("KT204", origin, message, f"take it out of .sops.yaml and {_AGAIN}")
    if found.version < FLOOR:
        origin = document.origin(("sops", "version"))
        yield fault("KT205", origin, "the file was encrypted by a sops before 3.0", "run `sops rotate` on it")
    yield from _recipients(document, found.recipients, settings)
    yield from _selector(document, found)


def _recipients(
    document: Document, recipients: tuple[Recipient, ...], settings: Settings
) -> Iterator[Diagnostic]:
    wanted = recipients_for(settings, document.file)
    if wanted is None:
        return
    hint = "run `sops updatekeys` on it, and `sops rotate` after a removal; or correct policy.recipients"
    for recipient in recipients:
        if recipient.name not in wanted:
            message = f"the recipient {recipient.name} is not one that policy names for this path"
            yield fault("KT208", document.origin(("sops", *recipient.path)), message, hint)
    for name in wanted:
        if all(recipient.name != name for recipient in recipients):
            message = f"the recipient {name}, which policy names for this path, is missing"
            yield fault("KT208", document.origin(("sops",), key=True), message, hint)


def _selector(document: Document, found: Envelope) -> Iterator[Diagnostic]:
    chosen = chooser(found.selector, found.pattern)
    leaves = [path for path, _ in _leaves(document.tree.get(BLOCK), (BLOCK,))]
    if chosen is None:
        message = f"what {found.selector} covers cannot be told for certain"
    elif not all(map(chosen, [(BLOCK,), *leaves])):
        message = "the selector leaves values below secrets: in clear"
    elif any(map(chosen, _clear(document))):
        message = "the selector covers values that stand in clear, so the file will not open"
    else:
        return
    origin = document.origin(("sops", found.selector) if found.selector else ("sops",), key=True)
    yield fault("KT214", origin, message, _AGAIN)


def _clear(document: Document) -> Iterator[Path]:
    for key, value in document.tree.items():
        if key not in (BLOCK, "sops"):
            for path, leaf in _leaves(value, (key,)):
                if not looks_encrypted(leaf) and leaf not in (None, "", [], {}):
                    yield path


def _values(document: Document) -> Iterator[Diagnostic]:
    for key, value in document.tree.items():
        if key == BLOCK:
            yield from _secrets(document, value)
        elif key != "sops":
            for path, leaf in _leaves(value, (key,)):
                if looks_encrypted(leaf):
                    message = f"{dotted(path)} is encrypted, but is not below secrets:"
                    origin = document.origin(path)
                    yield fault("KT210", origin, message, _AGAIN, cause=Cause.POSSIBLE_PLAINTEXT)
    yield from _comments(document)


def _secrets(document: Document, block: Any) -> Iterator[Diagnostic]:
    for path, leaf in _leaves(block, (BLOCK,)):
        name = dotted(path)
        if _in_list(block, path):
            message = f"{name} is an item of a list"
            hint = "give each secret a name of its own"
            yield fault("KT216", document.origin(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
        elif leaf in (None, "", [], {}) and not isinstance(leaf, bool | int):
            yield _empty(document, path)
        elif not looks_encrypted(leaf):
            message = f"{name} stands in clear"
            hint = "remove the line, then use `keyturn secret set`; if it was pushed, it is lost: rotate it"
            yield fault("KT209", document.origin(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
        elif (cipher := parse(leaf)) is None:
            message = f"the ciphertext of {name} is damaged"
            hint = "take the line back from git, or set the secret again"
            yield fault("KT211", document.origin(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
        elif cipher.type != "str":
            message = f"{name} was encrypted as something other than text"
            hint = "set it again with `keyturn secret set`: without quotes, digits may have been lost"
            yield fault("KT213", document.origin(path), message, hint, cause=Cause.POSSIBLE_PLAINTEXT)


def _in_list(block: Any, path: Path) -> bool:
    for key in path[1:]:
        if isinstance(block, list):
            return True
        block = block.get(key) if isinstance(block, dict) else None
    return False


def _empty(document: Document, path: Path) -> Diagnostic:
    message = f"{dotted(path)} is empty"
    hint = "set it, remove the line, or name the field under keep: to leave the live value alone"
    return fault("KT212", document.origin(path), message, hint, cause=Cause.EMPTY_VALUE)


def _comments(document: Document) -> Iterator[Diagnostic]:
    begin = _BEGIN.search(document.text)
    if begin is None or "#" not in document.text[begin.end() :]:
        return
    first = document.text.count("\n", 0, begin.start()) + 1
    for number, line in enumerate(document.text.split("\n")[first:], first + 1):
        if line[:1] not in ("", " ", "\r", "#"):
            return
        column = _comment(line)
        if column:
            hint = "remove it: sops encrypts comments by halves, and old passwords live in them"
            origin = Origin(document.file, number, column)
            message = "a comment in clear beside secrets"
            yield doubt("KT215", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)


def _comment(line: str) -> int:
    text = line.lstrip()
    if text.startswith("#"):
        own = line[0] == " " and not text.startswith("#ENC[")
        return len(line) - len(text) + 1 if own else 0
    after = line.find(" #", line.find("ENC[")) if "ENC[" in line else -1
    return after + 2 if after >= 0 else 0


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
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
