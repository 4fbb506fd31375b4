"""What a ledger recalls of files: a manifest need not be parsed again to see that nothing is to be done.

A gist stands for its file only while the file has the bytes it had, lies where it lay, and would be
examined just as it was. Whatever is about to be changed is read all the same: see ``belied``.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path as File

from keyturn import __version__
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic
from keyturn.core.fields import identical
from keyturn.core.resource import Gist
from keyturn.kinds import KINDS
from keyturn.load.definitions import text
from keyturn.load.examining import examine
from keyturn.load.files import Source, load_again, stem
from keyturn.load.findings import fault
from keyturn.load.manifest import gist
from keyturn.policy.settings import Settings


def checks(settings: Settings) -> str:
    """Return the name of what ``examine`` goes by: version, schemas and policy, as one SHA-256 in hex."""
    asked = (settings.recipients, settings.key_types, settings.servers, settings.seal)
    return sha256(f"{_built_in()} {asked!r}".encode()).hexdigest()


@cache
def _built_in() -> str:
    return sha256("\n".join([__version__, *map(text, KINDS)]).encode()).hexdigest()


class Recall:
    """The gists that still hold, by the file that they are of, which is named as its resource is."""

    def __init__(self, gists: Iterable[Gist], passed: str) -> None:
        self._gists: Mapping[str, Gist] = {
            each.file: each
            for each in gists
            if each.passed == passed and stem(each.file) == each.address.name
        }

    def of(self, source: Source) -> Gist | None:
        """Return the gist of a file as it is now; None where it is to be read."""
        found = self._gists.get(source.relative)
        return found if found and found.digest == source.digest else None


def belied(gists: Iterable[Gist], root: File, settings: Settings) -> Iterator[Diagnostic]:
    """Yield KT630 for each gist that does not say what its file says, which is read for it.

    Raises Faulty KT143 where a file changed meanwhile.
    """
    for each in gists:
        source = load_again(root, each.file, each.digest)
        if not _says(source, each, settings):
            message = f"the ledger recalls {each.address} otherwise than its file says"
            hint = "restore ledger.json from a backup, or move it away; find out who can write it"
            yield fault("KT630", Origin(each.file, 1, 1), message, hint)


def _says(source: Source, recalled: Gist, settings: Settings) -> bool:
    seen = examine(source, settings)
    if seen.findings or seen.document is None:
        return False
    said = gist(source, seen.document, recalled.passed)
    return said == recalled and identical(said.fields, recalled.fields)
