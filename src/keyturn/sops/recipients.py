"""The recipients of files: of encrypted files, read without a key, and of files to be encrypted."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from keyturn.files.discovery import SourceFile
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath, flatten_tree
from keyturn.policy.settings import PolicySettings, find_required_recipients
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.sops.metadata import SopsMetadata, parse_metadata
from keyturn.yamldoc.reader import Document, parse_document

CREATION_RULES_FILE: Final = ".sops.yaml"
"""The file with the creation rules of sops."""

SECRETS_SELECTOR: Final = "^secrets$"
"""The ``encrypted_regex`` of files that keyturn creates: all values under ``secrets:``."""

_PGP_FINGERPRINT: Final = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{40}")


class FileRecipients(Struct, frozen=True, kw_only=True):
    """The recipients of a file as ``kind:name``, their wrapped data keys, and its ciphertexts by path.

    ``groups`` are the recipients of each key group; keys of ``threshold`` groups are needed to decrypt.
    ``mac`` covers the texts of ``covered_values``, in the order of the file.
    """

    names: frozenset[str]
    wrapped_keys: Mapping[str, str]
    ciphertexts: frozenset[tuple[FieldPath, str]] = frozenset()
    groups: tuple[frozenset[str], ...] = ()
    threshold: int = 1
    mac: str = ""
    covered_values: tuple[str, ...] = ()

    def is_rewrapped(self, before: "FileRecipients") -> bool:
        """Tell whether all ciphertexts are unchanged and the wrapped data keys differ."""
        return self.ciphertexts == before.ciphertexts and dict(self.wrapped_keys) != dict(before.wrapped_keys)

    def has_same_data_key(self, before: "FileRecipients") -> bool:
        """Tell whether a ciphertext is unchanged, which implies an unchanged data key."""
        return bool(self.ciphertexts & before.ciphertexts)

    def has_stale_mac(self, before: "FileRecipients") -> bool:
        """Tell whether the MAC is that of ``before`` although the values that it covers changed."""
        return self.mac == before.mac != "" and self.covered_values != before.covered_values


def recipients_by_file(sources: Iterable[SourceFile]) -> Mapping[str, FileRecipients]:
    """Return the recipients of each encrypted file by its path; unreadable files are omitted."""
    result = {}
    for source in sources:
        try:
            document = parse_document(source.data, source.relative)
            metadata = parse_metadata(document) if "sops" in document.tree else None
        except DiagnosticError:
            continue
        if isinstance(metadata, SopsMetadata):
            result[source.relative] = _build_recipients(document, metadata)
    return result


def _build_recipients(document: Document, metadata: SopsMetadata) -> FileRecipients:
    groups: dict[FieldPath, set[str]] = {}
    for each in metadata.recipients:
        place = each.path[:2] if each.path[0] == "key_groups" else ()
        groups.setdefault(place, set()).add(f"{each.kind}:{each.name}")
    wrapped_keys = {f"{each.kind}:{each.name}": each.wrapped_key for each in metadata.recipients}
    return FileRecipients(
        names=frozenset(wrapped_keys),
        wrapped_keys=wrapped_keys,
        ciphertexts=frozenset(_find_ciphertexts(document)),
        groups=tuple(map(frozenset, groups.values())),
        threshold=metadata.threshold,
        mac=metadata.mac,
        covered_values=tuple(_list_covered_values(document, only_encrypted=metadata.mac_only_encrypted)),
    )


class CreationRule(Struct, frozen=True, kw_only=True):
    """How a new file is encrypted: by the rules of a ``.sops.yaml``, or for the given recipients.

    ``root`` is the folder of the project; by default, that of the rules.
    """

    rules_file: Path | None = None
    root: Path | None = None
    age: tuple[str, ...] = ()
    pgp: tuple[str, ...] = ()

    def build_arguments(self, file: str) -> tuple[str, ...]:
        """Return the arguments of ``sops encrypt``; ``file`` is the path that the file will have."""
        if self.rules_file is not None:
            path = str((self.root or self.rules_file.parent).absolute() / file)
            return ("--config", str(self.rules_file), "encrypt", "--filename-override", path)
        flags = (("--age", self.age), ("--pgp", self.pgp))
        options = [word for flag, names in flags if names for word in (flag, ",".join(names))]
        return ("--config", "/dev/null", "encrypt", *options, "--encrypted-regex", SECRETS_SELECTOR)


def find_creation_rule(root: Path, settings: PolicySettings, file: str) -> CreationRule:
    """Return how the new file ``file`` is encrypted.

    The recipients of policy for the path are used if all are age or PGP keys, otherwise the rules of
    the nearest ``.sops.yaml`` from the project upwards to the top of the repository. Raises
    DiagnosticError (KT227) if neither exists.
    """
    names = find_required_recipients(settings, file) or ()
    age = tuple(name for name in names if name.startswith(("age1", "ssh-")))
    pgp = tuple(name for name in names if _PGP_FINGERPRINT.fullmatch(name))
    if names and len(age) + len(pgp) == len(names):
        return CreationRule(age=age, pgp=pgp)
    rules_file = _find_rules_file(root)
    if rules_file is not None:
        return CreationRule(rules_file=rules_file, root=root)
    hint = "add recipients to policy.recipients in keyturn.yaml, or a rule to .sops.yaml"
    raise DiagnosticError(
        error_diagnostic("KT227", SourceLocation(file), "no recipients are configured for this file", hint)
    )


def _find_rules_file(root: Path) -> Path | None:
    folders = (root, *root.absolute().parents)
    top = next((folder for folder in folders if (folder / ".git").exists()), root)
    for folder in folders[: folders.index(top) + 1]:
        if (folder / CREATION_RULES_FILE).is_file():
            return folder / CREATION_RULES_FILE
    return None


def _find_ciphertexts(document: Document) -> Iterator[tuple[FieldPath, str]]:
    for path, leaf in _list_leaves(document):
        if looks_encrypted(leaf):
            yield path, str(leaf)


def _list_covered_values(document: Document, *, only_encrypted: bool) -> Iterator[str]:
    pending: list[object] = [leaf for _, leaf in reversed(_list_leaves(document))]
    while pending:
        value = pending.pop()
        if isinstance(value, list | dict):
            pending.extend(reversed(list(value.values() if isinstance(value, dict) else value)))
        elif value is not None and (looks_encrypted(value) or not only_encrypted):
            # sops hashes 5.0 and 5 as the same text (getsops/sops ``sops.go``, ToBytes).
            yield str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _list_leaves(document: Document) -> list[tuple[FieldPath, object]]:
    return list(flatten_tree({key: value for key, value in document.tree.items() if key != "sops"}).items())
