"""The ``sops:`` block as a value: read by a closed schema, so that nothing unknown goes unseen."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from keyturn.core.diagnostic import Diagnostic
from keyturn.core.fields import Path
from keyturn.load.findings import fault
from keyturn.load.nodes import Document
from keyturn.policy.reading import closest

SELECTORS: Final = (
    "encrypted_regex",
    "unencrypted_regex",
    "encrypted_suffix",
    "unencrypted_suffix",
    "encrypted_comment_regex",
    "unencrypted_comment_regex",
)
"""What may say which values are encrypted; a file has at most one of them."""

_NAMES: Final[Mapping[str, str]] = {
    "age": "recipient",
    "pgp": "fp",
    "kms": "arn",
    "gcp_kms": "resource_id",
    "azure_kv": "vault_url",
    "hc_vault": "vault_address",
    "hckms": "key_id",
}
_REQUIRED: Final[Mapping[str, frozenset[str]]] = {
    "age": frozenset({"recipient", "enc"}),
    "pgp": frozenset({"created_at", "enc", "fp"}),
    "kms": frozenset({"arn", "created_at", "enc"}),
    "gcp_kms": frozenset({"resource_id", "created_at", "enc"}),
    "azure_kv": frozenset({"vault_url", "name", "created_at", "enc"}),
    "hc_vault": frozenset({"vault_address", "engine_path", "key_name", "created_at", "enc"}),
    "hckms": frozenset({"key_id", "created_at", "enc"}),
}
_OPTIONAL: Final[Mapping[str, frozenset[str]]] = {
    "kms": frozenset({"role", "context", "aws_profile"}),
    "azure_kv": frozenset({"version"}),
}
_SERVERS: Final = ("azure_kv", "hc_vault")
_KNOWN: Final = frozenset(
    {
        *_NAMES,
        *SELECTORS,
        "lastmodified",
        "mac",
        "mac_only_encrypted",
        "version",
        "shamir_threshold",
        "key_groups",
    }
)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_VERSION: Final = re.compile(r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,5})")


class Recipient(Struct, frozen=True):
    """A key that opens the file: ``kind`` as SOPS names it, ``name`` its public name, the wrapped data key.

    ``server`` is the address that is asked for it, empty where none is; ``path`` is where it stands.
    """

    kind: str
    name: str
    wrapped: str
    server: str
    path: Path


class Envelope(Struct, frozen=True, kw_only=True):
    """What a ``sops:`` block says. ``selector`` is one of ``SELECTORS`` or empty, ``pattern`` its value.

    ``mac`` and ``lastmodified`` are as written; ``version`` is that of the sops which wrote the
    file. ``groups`` counts the key groups; 1 means that any one recipient opens the file.
    """

    recipients: tuple[Recipient, ...]
    mac: str
    lastmodified: str
    version: tuple[int, int, int]
    selector: str = ""
    pattern: str = ""
    mac_only_encrypted: bool = False
    groups: int = 1


def envelope(document: Document) -> Envelope | tuple[Diagnostic, ...]:
    """Return what the ``sops:`` block of a document says, or what is wrong with it (KT202, KT203).

    The schema is that of getsops/sops ``stores/stores.go`` up to 3.13; empty lists and nulls in
    place of absent keys, as older versions write them, mean absent.
    """
    reader = _Reader(document)
    found = reader.read()
    return tuple(reader.faults) or found


class _Reader:
    def __init__(self, document: Document) -> None:
        self.faults: list[Diagnostic] = []
        self._document = document
        block = document.tree.get("sops")
        self._block: Mapping[str, Any] = block if isinstance(block, dict) else {}
        if not self._block:
            self._fault((), "the sops: block is not a mapping", "encrypt the file again")

    def read(self) -> Envelope:
        for key in self._block:
            if key not in _KNOWN:
                message = f"sops.{key} is not known here"
                self._fault((key,), message, closest(key, _KNOWN) + "; a newer sops may need a newer keyturn")
        recipients, groups = self._recipients()
        selector, pattern = self._selector()
        return Envelope(
            recipients=recipients,
            mac=self._mac(),
            lastmodified=self._time("lastmodified"),
            version=self._version(),
            selector=selector,
            pattern=pattern,
            mac_only_encrypted=self._flag("mac_only_encrypted"),
            groups=groups,
        )

    def _recipients(self) -> tuple[tuple[Recipient, ...], int]:
        groups = self._block.get("key_groups")
        groups = [] if groups is None else groups
        own = tuple(self._group(self._block, ()))
        threshold = self._block.get("shamir_threshold", 0)
        if type(threshold) is not int or threshold < 0:
            self._fault(
                ("shamir_threshold",), "sops.shamir_threshold is not a number", "encrypt the file again"
            )
        if groups == []:
            if not own:
                self._fault((), "the sops: block names no recipient", "encrypt the file again")
            return own, 1
        if own or not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
            self._fault(("key_groups",), "sops.key_groups is misshapen", "encrypt the file again")
            return own, 1
        for index, group in enumerate(groups):
            for key in group.keys() - _NAMES.keys():
                self._fault(("key_groups", str(index), key), f"{key} is no kind of key", closest(key, _NAMES))
        found = (
            one
            for index, group in enumerate(groups)
            for one in self._group(group, ("key_groups", str(index)))
        )
        return tuple(found), len(groups)

    def _group(self, group: Mapping[str, Any], path: Path) -> Iterator[Recipient]:
        for kind in _NAMES:
            rows = group.get(kind)
            if rows is None:
                continue
            if not isinstance(rows, list):
                self._fault((*path, kind), f"sops.{kind} is not a list", "encrypt the file again")
                continue
            for index, row in enumerate(rows):
                yield from self._recipient(kind, row, (*path, kind, str(index)))

    def _recipient(self, kind: str, row: Any, path: Path) -> Iterator[Recipient]:
        keys = frozenset(row) if isinstance(row, dict) else frozenset()
        allowed = _REQUIRED[kind] | _OPTIONAL.get(kind, frozenset())
        texts = isinstance(row, dict) and all(
            isinstance(value, str) for key, value in row.items() if key != "context"
        )
        if not texts or not _REQUIRED[kind] <= keys <= allowed:
            wanted = ", ".join(sorted(allowed))
            self._fault(path, f"an entry of sops.{kind} is not as sops writes it", f"it has {wanted}")
            return
        name = row[_NAMES[kind]]
        yield Recipient(kind, name, row["enc"], name if kind in _SERVERS else "", path)

    def _selector(self) -> tuple[str, str]:
        stated = [key for key in SELECTORS if self._block.get(key) not in (None, "")]
        for key in stated:
            if not isinstance(self._block[key], str):
                self._fault((key,), f"sops.{key} is not text", "encrypt the file again")
                return key, ""
        if len(stated) > 1:
            self._fault(
                (stated[1],), "sops has more than one selector", "keep encrypted_regex: ^secrets$ alone"
            )
        return (stated[0], self._block[stated[0]]) if stated else ("", "")

    def _mac(self) -> str:
        mac = self._block.get("mac")
        if isinstance(mac, str) and mac:
            return mac
        origin = self._document.origin(("sops", "mac"), key=True)
        hint = "take the file back from git, or encrypt it again: without a MAC anybody can change it"
        self.faults.append(fault("KT203", origin, "the file has no MAC", hint))
        return ""

    def _time(self, key: str) -> str:
        value = self._block.get(key)
        if isinstance(value, str) and _TIME.fullmatch(value) and _real(value):
            return value
        self._fault((key,), f"sops.{key} is no time as sops writes it", "take the file back from git")
        return ""

    def _version(self) -> tuple[int, int, int]:
        value = self._block.get("version")
        found = _VERSION.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self._fault(("version",), "sops.version is no version", "take the file back from git")
            return (0, 0, 0)
        return (int(found[1]), int(found[2]), int(found[3]))

    def _flag(self, key: str) -> bool:
        value = self._block.get(key, False)
        if not isinstance(value, bool):
            self._fault((key,), f"sops.{key} must be true or false", "take the file back from git")
        return value is True

    def _fault(self, path: Path, message: str, hint: str) -> None:
        origin = self._document.origin(("sops", *path), key=True)
        self.faults.append(fault("KT202", origin, message, hint))


def _real(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
