"""Who can decrypt each file: told from the envelopes alone, without any key."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from keyturn.core.diagnostic import DiagnosticError
from keyturn.core.fields import FieldPath, flatten_tree
from keyturn.load.ciphertext import looks_encrypted
from keyturn.load.files import SourceFile
from keyturn.load.metadata import SopsMetadata, parse_metadata
from keyturn.load.nodes import Document, parse_document


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
            found[source.relative] = FileRecipients(frozenset(wrapped), wrapped, frozenset(_find_ciphertexts(document)))
    return found


def _find_ciphertexts(document: Document) -> Iterator[tuple[FieldPath, str]]:
    for path, text in flatten_tree({key: part for key, part in document.tree.items() if key != "sops"}).items():
        if looks_encrypted(text):
            yield path, str(text)
