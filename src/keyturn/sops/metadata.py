"""The ``sops:`` block as a value: read by a closed schema, so that nothing unknown goes unseen."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.model.diagnostic import Diagnostic, error_diagnostic, suggest_nearest
from keyturn.model.fields import FieldPath
from keyturn.yamldoc.reader import Document

SELECTOR_KEYS: Final = (
    "encrypted_regex",
    "unencrypted_regex",
    "encrypted_suffix",
    "unencrypted_suffix",
    "encrypted_comment_regex",
    "unencrypted_comment_regex",
)
"""What may say which values are encrypted; a file has at most one of them."""

_NAME_KEYS: Final[Mapping[str, str]] = {
    "age": "recipient",
    "pgp": "fp",
    "kms": "arn",
    "gcp_kms": "resource_id",
    "azure_kv": "vault_url",
    "hc_vault": "vault_address",
    "hckms": "key_id",
}
_REQUIRED_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "age": frozenset({"recipient", "enc"}),
    "pgp": frozenset({"created_at", "enc", "fp"}),
    "kms": frozenset({"arn", "created_at", "enc"}),
    "gcp_kms": frozenset({"resource_id", "created_at", "enc"}),
    "azure_kv": frozenset({"vault_url", "name", "created_at", "enc"}),
    "hc_vault": frozenset({"vault_address", "engine_path", "key_name", "created_at", "enc"}),
    "hckms": frozenset({"key_id", "created_at", "enc"}),
}
_OPTIONAL_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "kms": frozenset({"role", "context", "aws_profile"}),
    "azure_kv": frozenset({"version"}),
}
_SERVER_KINDS: Final = ("azure_kv", "hc_vault")
_KNOWN_KEYS: Final = frozenset(
    {
        *_NAME_KEYS,
        *SELECTOR_KEYS,
        "lastmodified",
        "mac",
        "mac_only_encrypted",
        "version",
        "shamir_threshold",
        "key_groups",
    }
)
_TIME_PATTERN: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_VERSION_PATTERN: Final = re.compile(r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,5})")


class Recipient(Struct, frozen=True):
    """A key that opens the file: ``kind`` as SOPS names it, ``name`` its public name, the wrapped data key.

    ``server`` is the address that is asked for it, empty where none is; ``path`` is where it stands.
    """

    kind: str
    name: str
    wrapped_key: str
    server: str
    path: FieldPath


class SopsMetadata(Struct, frozen=True, kw_only=True):
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
    key_group_count: int = 1


def parse_metadata(document: Document) -> SopsMetadata | tuple[Diagnostic, ...]:
    """Return what the ``sops:`` block of a document says, or what is wrong with it (KT202, KT203).

    The schema is that of getsops/sops ``stores/stores.go`` up to 3.13; empty lists and nulls in
    place of absent keys, as older versions write them, mean absent.
    """
    reader = _MetadataReader(document)
    found = reader.read_metadata()
    return tuple(reader.errors) or found


class _MetadataReader:
    def __init__(self, document: Document) -> None:
        self.errors: list[Diagnostic] = []
        self._document = document
        block = document.tree.get("sops")
        self._block: Mapping[str, Any] = block if isinstance(block, dict) else {}
        if not self._block:
            self._add_error((), "the sops: block is not a mapping", "encrypt the file again")

    def read_metadata(self) -> SopsMetadata:
        for key in self._block:
            if key not in _KNOWN_KEYS:
                message = f"sops.{key} is not a known key"
                self._add_error(
                    (key,),
                    message,
                    suggest_nearest(key, _KNOWN_KEYS) + "; a newer sops may need a newer keyturn",
                )
        recipients, groups = self._read_recipients()
        selector, pattern = self._read_selector()
        return SopsMetadata(
            recipients=recipients,
            mac=self._read_mac(),
            lastmodified=self._read_time("lastmodified"),
            version=self._read_version(),
            selector=selector,
            pattern=pattern,
            mac_only_encrypted=self._read_flag("mac_only_encrypted"),
            key_group_count=groups,
        )

    def _read_recipients(self) -> tuple[tuple[Recipient, ...], int]:
        groups = self._block.get("key_groups")
        groups = [] if groups is None else groups
        own = tuple(self._read_key_group(self._block, ()))
        threshold = self._block.get("shamir_threshold", 0)
        if type(threshold) is not int or threshold < 0:
            self._add_error(
                ("shamir_threshold",), "sops.shamir_threshold is not a number", "encrypt the file again"
            )
        if groups == []:
            if not own:
                self._add_error((), "the sops: block has no recipients", "encrypt the file again")
            return own, 1
        if own or not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
            self._add_error(("key_groups",), "sops.key_groups is malformed", "encrypt the file again")
            return own, 1
        for index, group in enumerate(groups):
            for key in group.keys() - _NAME_KEYS.keys():
                self._add_error(
                    ("key_groups", str(index), key),
                    f"{key} is not a known key type",
                    suggest_nearest(key, _NAME_KEYS),
                )
        found = (
            one
            for index, group in enumerate(groups)
            for one in self._read_key_group(group, ("key_groups", str(index)))
        )
        return tuple(found), len(groups)

    def _read_key_group(self, group: Mapping[str, Any], path: FieldPath) -> Iterator[Recipient]:
        for kind in _NAME_KEYS:
            rows = group.get(kind)
            if rows is None:
                continue
            if not isinstance(rows, list):
                self._add_error((*path, kind), f"sops.{kind} is not a list", "encrypt the file again")
                continue
            for index, row in enumerate(rows):
                yield from self._read_recipient(kind, row, (*path, kind, str(index)))

    def _read_recipient(self, kind: str, row: Any, path: FieldPath) -> Iterator[Recipient]:
        keys = frozenset(row) if isinstance(row, dict) else frozenset()
        allowed = _REQUIRED_KEYS[kind] | _OPTIONAL_KEYS.get(kind, frozenset())
        texts = isinstance(row, dict) and all(
            isinstance(value, str) for key, value in row.items() if key != "context"
        )
        if not texts or not _REQUIRED_KEYS[kind] <= keys <= allowed:
            wanted = ", ".join(sorted(allowed))
            self._add_error(path, f"an entry of sops.{kind} is malformed", f"use the keys {expected}")
            return
        name = row[_NAME_KEYS[kind]]
        yield Recipient(kind, name, row["enc"], name if kind in _SERVER_KINDS else "", path)

    def _read_selector(self) -> tuple[str, str]:
        stated = [key for key in SELECTOR_KEYS if self._block.get(key) not in (None, "")]
        for key in stated:
            if not isinstance(self._block[key], str):
                self._add_error((key,), f"sops.{key} is not text", "encrypt the file again")
                return key, ""
        if len(stated) > 1:
            self._add_error(
                (stated[1],), "sops has more than one selector", "keep only encrypted_regex: ^secrets$"
            )
        return (stated[0], self._block[stated[0]]) if stated else ("", "")

    def _read_mac(self) -> str:
        mac = self._block.get("mac")
        if isinstance(mac, str) and mac:
            return mac
        origin = self._document.find_location(("sops", "mac"), key=True)
        hint = "restore the file from git, or encrypt it again; without a MAC, changes are not detected"
        self.errors.append(error_diagnostic("KT203", origin, "the file has no MAC", hint))
        return ""

    def _read_time(self, key: str) -> str:
        value = self._block.get(key)
        if isinstance(value, str) and _TIME_PATTERN.fullmatch(value) and _is_real_time(value):
            return value
        self._add_error(
            (key,), f"sops.{key} is not a timestamp in the format of sops", "restore the file from git"
        )
        return ""

    def _read_version(self) -> tuple[int, int, int]:
        value = self._block.get("version")
        found = _VERSION_PATTERN.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self._add_error(("version",), "sops.version is not a version", "restore the file from git")
            return (0, 0, 0)
        return (int(found[1]), int(found[2]), int(found[3]))

    def _read_flag(self, key: str) -> bool:
        value = self._block.get(key, False)
        if not isinstance(value, bool):
            self._add_error((key,), f"sops.{key} must be true or false", "restore the file from git")
        return value is True

    def _add_error(self, path: FieldPath, message: str, hint: str) -> None:
        origin = self._document.find_location(("sops", *path), key=True)
        self.errors.append(error_diagnostic("KT202", origin, message, hint))


def _is_real_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


PathSelector: TypeAlias = Callable[[FieldPath], bool]
"""From the keys above a value, its own included, to whether SOPS encrypts it."""

UNENCRYPTED_SUFFIX: Final = "_unencrypted"
"""The suffix that SOPS leaves in clear where a file has no selector (getsops/sops ``sops.go``)."""

_WORDS_PATTERN: Final = re.compile(r"\^(?:\(([A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*)\)|([A-Za-z0-9_-]+))\$")
_SUFFIX_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]+")


def compile_selector(selector: str, pattern: str) -> PathSelector | None:
    """Return what a selector encrypts, None where that is not certain.

    Go's regular expressions and Python's differ, so a pattern is ``^word$`` or ``^(word|word)$``.
    A match on any key of a path decides; the items of a list count as their list.
    """
    if not selector:
        return lambda path: not any(key.endswith(UNENCRYPTED_SUFFIX) for key in path)
    if selector in ("encrypted_suffix", "unencrypted_suffix"):
        if not _SUFFIX_PATTERN.fullmatch(pattern):
            return None
        return _select_by_key(selector, lambda key: key.endswith(pattern))
    if selector in ("encrypted_regex", "unencrypted_regex"):
        found = _WORDS_PATTERN.fullmatch(pattern)
        if found is None:
            return None
        words = frozenset((found[1] or found[2]).split("|"))
        return _select_by_key(selector, words.__contains__)
    return None


def _select_by_key(selector: str, matches: Callable[[str], bool]) -> PathSelector:
    if selector.startswith("un"):
        return lambda path: not any(map(matches, path))
    return lambda path: any(map(matches, path))
