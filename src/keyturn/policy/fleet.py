"""Fleet: all manifests side by side, in the order of their files, with who uses what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from keyturn.core.address import Address
from keyturn.core.fields import Path
from keyturn.policy.subject import Subject


@dataclass(frozen=True, slots=True)
class Use:
    """One reference that resolves: ``user`` refers to ``used`` at ``path``."""

    user: Subject
    path: Path
    used: Subject


@dataclass(frozen=True, slots=True)
class Fleet:
    """The manifests, sorted by file, and the references between them; ``whole``: there are no more."""

    subjects: tuple[Subject, ...]
    uses: tuple[Use, ...]
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
    return Fleet(ranked, tuple(uses), whole)
