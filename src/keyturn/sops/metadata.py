"""The metadata of a SOPS file: its ``sops:`` block, parsed by a closed schema that rejects unknown keys."""

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
"""The keys that select the encrypted values; a file has at most one of them."""

UNENCRYPTED_SUFFIX: Final = "_unencrypted"
"""The suffix of keys that SOPS does not encrypt if a file has no selector (getsops/sops ``sops.go``)."""

PathSelector: TypeAlias = Callable[[FieldPath], bool]
"""Tells for the keys of a path whether SOPS encrypts its value."""

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
_WORDS_PATTERN: Final = re.compile(r"\^(?:\(([A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*)\)|([A-Za-z0-9_-]+))\$")
_SUFFIX_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]+")


class Recipient(Struct, frozen=True):
    """A recipient: its key type in SOPS (``kind``), its public ``name`` and its wrapped data key.

    ``server`` is the address of its key server or empty; ``path`` is its path below ``sops``.
    """

    kind: str
    name: str
    wrapped_key: str
    server: str
    path: FieldPath


class SopsMetadata(Struct, frozen=True, kw_only=True):
    """A parsed ``sops:`` block. ``selector`` is one of ``SELECTOR_KEYS`` or empty, ``pattern`` its value.

    ``mac`` and ``lastmodified`` are unparsed; ``version`` is the sops version that wrote the file. If
    ``key_group_count`` is 1, any one recipient can decrypt the file. Otherwise, keys of ``threshold`` key
    groups are needed; sops requires all groups if the file names no number (getsops/sops ``sops.go``).
    """

    recipients: tuple[Recipient, ...]
    mac: str
    lastmodified: str
    version: tuple[int, int, int]
    selector: str = ""
    pattern: str = ""
    mac_only_encrypted: bool = False
    key_group_count: int = 1
    threshold: int = 1


def parse_metadata(document: Document) -> SopsMetadata | tuple[Diagnostic, ...]:
    """Parse the ``sops:`` block of a document; return its errors (KT202, KT203) if it is invalid.

    The schema is that of getsops/sops ``stores/stores.go`` up to 3.13. Empty lists and nulls, which
    older versions write, count as absent keys.
    """
    reader = _MetadataReader(document)
    metadata = reader.read_metadata()
    return tuple(reader.errors) or metadata


def compile_selector(selector: str, pattern: str) -> PathSelector | None:
    """Return the predicate of a selector, None if its pattern is not supported.

    Supported patterns are ``^word$`` and ``^(word|word)$``, because the regular expressions of Go
    and Python differ. One matching key of a path is enough; a list item has the keys of its list.
    """
    if not selector:
        return lambda path: not any(key.endswith(UNENCRYPTED_SUFFIX) for key in path)
    if selector in ("encrypted_suffix", "unencrypted_suffix"):
        if not _SUFFIX_PATTERN.fullmatch(pattern):
            return None
        return _select_by_key(selector, lambda key: key.endswith(pattern))
    if selector in ("encrypted_regex", "unencrypted_regex"):
        match = _WORDS_PATTERN.fullmatch(pattern)
        if match is None:
            return None
        words = frozenset((match[1] or match[2]).split("|"))
        return _select_by_key(selector, words.__contains__)
    return None


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
            threshold=self._read_threshold(groups),
        )

    def _read_recipients(self) -> tuple[tuple[Recipient, ...], int]:
        groups = self._block.get("key_groups")
        groups = [] if groups is None else groups
        recipients = tuple(self._read_key_group(self._block, ()))
        if groups == []:
            if not recipients:
                self._add_error((), "the sops: block has no recipients", "encrypt the file again")
            return recipients, 1
        if recipients or not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
            self._add_error(("key_groups",), "sops.key_groups is malformed", "encrypt the file again")
            return recipients, 1
        for index, group in enumerate(groups):
            for key in group.keys() - _NAME_KEYS.keys():
                self._add_error(
                    ("key_groups", str(index), key),
                    f"{key} is not a known key type",
                    suggest_nearest(key, _NAME_KEYS),
                )
        grouped = (
            recipient
            for index, group in enumerate(groups)
            for recipient in self._read_key_group(group, ("key_groups", str(index)))
        )
        return tuple(grouped), len(groups)

    def _read_threshold(self, group_count: int) -> int:
        threshold = self._block.get("shamir_threshold", 0)
        if type(threshold) is int and threshold >= 0:
            return 1 if group_count == 1 else threshold or group_count
        self._add_error(
            ("shamir_threshold",), "sops.shamir_threshold is not a number", "encrypt the file again"
        )
        return group_count

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
        has_only_texts = isinstance(row, dict) and all(
            isinstance(value, str) for key, value in row.items() if key != "context"
        )
        if not has_only_texts or not _REQUIRED_KEYS[kind] <= keys <= allowed:
            expected = ", ".join(sorted(allowed))
            self._add_error(path, f"an entry of sops.{kind} is malformed", f"use the keys {expected}")
            return
        name = row[_NAME_KEYS[kind]]
        yield Recipient(kind, name, row["enc"], name if kind in _SERVER_KINDS else "", path)

    def _read_selector(self) -> tuple[str, str]:
        selectors = [key for key in SELECTOR_KEYS if self._block.get(key) not in (None, "")]
        for key in selectors:
            if not isinstance(self._block[key], str):
                self._add_error((key,), f"sops.{key} is not text", "encrypt the file again")
                return key, ""
        if len(selectors) > 1:
            self._add_error(
                (selectors[1],), "sops has more than one selector", "keep only encrypted_regex: ^secrets$"
            )
        return (selectors[0], self._block[selectors[0]]) if selectors else ("", "")

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
        if isinstance(value, str) and _TIME_PATTERN.fullmatch(value) and _is_valid_time(value):
            return value
        self._add_error((key,), f"sops.{key} is not a timestamp of sops", "restore the file from git")
        return ""

    def _read_version(self) -> tuple[int, int, int]:
        value = self._block.get("version")
        match = _VERSION_PATTERN.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self._add_error(("version",), "sops.version is not a version", "restore the file from git")
            return (0, 0, 0)
        return (int(match[1]), int(match[2]), int(match[3]))

    def _read_flag(self, key: str) -> bool:
        value = self._block.get(key, False)
        if not isinstance(value, bool):
            self._add_error((key,), f"sops.{key} must be true or false", "restore the file from git")
        return value is True

    def _add_error(self, path: FieldPath, message: str, hint: str) -> None:
        origin = self._document.find_location(("sops", *path), key=True)
        self.errors.append(error_diagnostic("KT202", origin, message, hint))


def _is_valid_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _select_by_key(selector: str, matches: Callable[[str], bool]) -> PathSelector:
    if selector.startswith("un"):
        return lambda path: not any(map(matches, path))
    return lambda path: any(map(matches, path))
