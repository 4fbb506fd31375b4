"""Who can decrypt each file: told from the envelopes alone, without any key."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from keyturn.files.discovery import SourceFile
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath, flatten_tree
from keyturn.policy.settings import PolicySettings, recipients_for
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.sops.metadata import SopsMetadata, parse_metadata
from keyturn.yamldoc.reader import Document, parse_document


class FileRecipients(Struct, frozen=True):
    """The recipients of a file as ``kind:name``, their wrapped data keys, and its secrets as ciphertext."""

    names: frozenset[str]
    wrapped_keys: Mapping[str, str]
    ciphertexts: frozenset[tuple[FieldPath, str]] = frozenset()

    def is_rewrapped(self, before: "FileRecipients") -> bool:
        """Whether every secret is as it was, and the data key is wrapped in another way."""
        return self.ciphertexts == before.ciphertexts and dict(self.wrapped_keys) != dict(before.wrapped_keys)

    def has_same_data_key(self, before: "FileRecipients") -> bool:
        """Whether a ciphertext is as it was: then so is the data key."""
        return bool(self.ciphertexts & before.ciphertexts)


def recipients_by_file(sources: Iterable[SourceFile]) -> Mapping[str, FileRecipients]:
    """Return the readers of each encrypted file by its path; files that cannot be read are left out."""
    found = {}
    for source in sources:
        try:
            document = parse_document(source.data, source.relative)
            what = parse_metadata(document) if "sops" in document.tree else None
        except DiagnosticError:
            continue
        if isinstance(what, SopsMetadata):
            wrapped = {f"{each.kind}:{each.name}": each.wrapped_key for each in what.recipients}
            found[source.relative] = FileRecipients(
                frozenset(wrapped), wrapped, frozenset(_find_ciphertexts(document))
            )
    return found


def _find_ciphertexts(document: Document) -> Iterator[tuple[FieldPath, str]]:
    for path, text in flatten_tree(
        {key: part for key, part in document.tree.items() if key != "sops"}
    ).items():
        if looks_encrypted(text):
            yield path, str(text)


CREATION_RULES_FILE: Final = ".sops.yaml"
"""The file in which sops keeps its creation rules."""

SECRETS_SELECTOR: Final = "^secrets$"
"""The ``encrypted_regex`` of every file that keyturn makes: all of ``secrets:``, and nothing else."""

_PGP_FINGERPRINT: Final = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{40}")


class CreationRule(Struct, frozen=True):
    """A ``.sops.yaml`` whose rules decide, or recipients by name."""

    rules_file: Path | None = None
    age: tuple[str, ...] = ()
    pgp: tuple[str, ...] = ()

    def build_arguments(self, file: str) -> tuple[str, ...]:
        """Return how ``sops encrypt`` is told; ``file`` is the path that the file will have."""
        if self.rules_file is not None:
            named = str(self.rules_file.parent.absolute() / file)
            return ("--config", str(self.rules_file), "encrypt", "--filename-override", named)
        flags = (("--age", self.age), ("--pgp", self.pgp))
        told = [word for flag, names in flags if names for word in (flag, ",".join(names))]
        return ("--config", "/dev/null", "encrypt", *told, "--encrypted-regex", SECRETS_SELECTOR)


def creation_rule(root: Path, settings: PolicySettings, file: str) -> CreationRule:
    """Return for whom ``file`` is to be encrypted.

    Policy's recipients for the path come first, as far as they are age and PGP keys; then the
    rules of ``.sops.yaml``. Raises Faulty (KT227) where neither is there.
    """
    names = recipients_for(settings, file) or ()
    age = tuple(name for name in names if name.startswith(("age1", "ssh-")))
    pgp = tuple(name for name in names if _PGP_FINGERPRINT.fullmatch(name))
    if names and len(age) + len(pgp) == len(names):
        return CreationRule(age=age, pgp=pgp)
    if (root / CREATION_RULES_FILE).is_file():
        return CreationRule(rules_file=root / CREATION_RULES_FILE)
    hint = "name recipients in policy.recipients of keyturn.yaml, or rules in .sops.yaml"
    raise DiagnosticError(
        error_diagnostic(
            "KT227", SourceLocation(file), "nothing says for whom this file is to be encrypted", hint
        )
    )
