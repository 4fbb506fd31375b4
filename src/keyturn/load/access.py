"""Who can decrypt each file: told from the envelopes alone, without any key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyturn.core.diagnostic import Faulty
from keyturn.load.files import Source
from keyturn.load.metadata import Envelope, envelope
from keyturn.load.nodes import read


@dataclass(frozen=True, slots=True)
class Readers:
    """The recipients of a file as ``kind:name``, and their wrapped data keys."""

    names: frozenset[str]
    wrapped: Mapping[str, str]


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
            found[source.relative] = Readers(frozenset(wrapped), wrapped)
    return found
