"""Who can decrypt each file: told from the envelopes alone, without any key."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from keyturn.core.diagnostic import Faulty
from keyturn.core.fields import Path, flatten
from keyturn.load.ciphertext import looks_encrypted
from keyturn.load.files import Source
from keyturn.load.metadata import Envelope, envelope
from keyturn.load.nodes import Document, read


class Readers(Struct, frozen=True):
    """The recipients of a file as ``kind:name``, their wrapped data keys, and its secrets as ciphertext."""

    names: frozenset[str]
    wrapped: Mapping[str, str]
    ciphers: frozenset[tuple[Path, str]] = frozenset()

    def rewrapped(self, before: "Readers") -> bool:
        """Whether every secret is as it was, and the data key is wrapped in another way."""
        return self.ciphers == before.ciphers and dict(self.wrapped) != dict(before.wrapped)

    def steady(self, before: "Readers") -> bool:
        """Whether a ciphertext is as it was: then so is the data key."""
        return bool(self.ciphers & before.ciphers)


def readers(sources: Iterable[Source]) -> Mapping[str, Readers]:
    """Return the readers of each encrypted file by its path; files that cannot be read are left out."""
    found = {}
    for source in sources:
        try:
            document = read(source.data, source.relative)
            what = envelope(document) if "sops" in document.tree else None
        except Faulty:
            continue
        if isinstance(what, Envelope):
            wrapped = {f"{each.kind}:{each.name}": each.wrapped for each in what.recipients}
            found[source.relative] = Readers(frozenset(wrapped), wrapped, frozenset(_ciphers(document)))
    return found


def _ciphers(document: Document) -> Iterator[tuple[Path, str]]:
    for path, text in flatten({key: part for key, part in document.tree.items() if key != "sops"}).items():
        if looks_encrypted(text):
            yield path, str(text)
