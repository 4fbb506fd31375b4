"""Fleet: all manifests side by side, in the order of their files, with who uses what."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.fields import Path
from keyturn.policy.subject import Subject
from keyturn.policy.tokens import SHORTEST
from keyturn.policy.words import texts


class Use(Struct, frozen=True):
    """One reference that resolves: ``user`` refers to ``used`` at ``path``."""

    user: Subject
    path: Path
    used: Subject


class Writing(Struct, frozen=True, kw_only=True):
    """A text of a manifest: a value, or the name of a field (``key``)."""

    subject: Subject
    path: Path
    text: str
    key: bool = False


class Fleet(Struct, frozen=True, kw_only=True):
    """The manifests, sorted by file, and what is asked of all of them, worked out once.

    ``uses`` are the references that resolve, ``writings`` all text long enough to hold a secret.
    ``whole`` says that there are no more manifests than these.
    """

    subjects: tuple[Subject, ...]
    uses: tuple[Use, ...]
    writings: tuple[Writing, ...]
    whole: bool

    def users(self) -> Mapping[str, tuple[Use, ...]]:
        """Return the uses of each manifest, by the file of the one that is used."""
        found: dict[str, list[Use]] = {}
        for use in self.uses:
            found.setdefault(use.used.file, []).append(use)
        return MappingProxyType({file: tuple(uses) for file, uses in found.items()})


def assemble(subjects: Iterable[Subject], *, whole: bool = True) -> Fleet:
    """Return the fleet of ``subjects``; a reference stays within its workspace."""
    ranked = tuple(sorted(subjects, key=lambda subject: subject.file))
    known: dict[tuple[str, Address], Subject] = {
        (subject.workspace, subject.address): subject for subject in ranked
    }
    uses = (
        Use(subject, path, known[subject.workspace, address])
        for subject in ranked
        for path, address in subject.references.items()
        if (subject.workspace, address) in known
    )
    writings = (writing for subject in ranked for writing in _writings(subject))
    return Fleet(subjects=ranked, uses=tuple(uses), writings=tuple(writings), whole=whole)


def _writings(subject: Subject) -> Iterator[Writing]:
    for path, text in texts(subject):
        if len(text) >= SHORTEST:
            yield Writing(subject=subject, path=path, text=text)
    for path in (*subject.config, *(("labels", label) for label in subject.labels)):
        if len(path[-1]) >= SHORTEST:
            yield Writing(subject=subject, path=path, text=path[-1], key=True)
