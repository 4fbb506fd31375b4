"""Fleet: all manifests side by side, in the order of their files, with who uses what."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.text_matching import MIN_SECRET_LENGTH, walk_texts


class Reference(Struct, frozen=True):
    """One reference that resolves: ``user`` refers to ``used`` at ``path``."""

    source: ResourceView
    path: FieldPath
    target: ResourceView


class TextValue(Struct, frozen=True, kw_only=True):
    """A text of a manifest: a value, or the name of a field (``key``)."""

    resource: ResourceView
    path: FieldPath
    text: str
    is_key: bool = False


class ManifestIndex(Struct, frozen=True, kw_only=True):
    """The manifests, sorted by file, and what is asked of all of them, worked out once.

    ``uses`` are the references that resolve, ``writings`` all text long enough to hold a secret.
    ``whole`` says that there are no more manifests than these.
    """

    resources: tuple[ResourceView, ...]
    references: tuple[Reference, ...]
    text_values: tuple[TextValue, ...]
    complete: bool

    def references_by_target(self) -> Mapping[str, tuple[Reference, ...]]:
        """Return the uses of each manifest, by the file of the one that is used."""
        found: dict[str, list[Reference]] = {}
        for use in self.references:
            found.setdefault(use.target.file, []).append(use)
        return MappingProxyType({file: tuple(uses) for file, uses in found.items()})


def build_manifest_index(subjects: Iterable[ResourceView], *, whole: bool = True) -> ManifestIndex:
    """Return the fleet of ``subjects``; a reference stays within its workspace."""
    ranked = tuple(sorted(subjects, key=lambda subject: subject.file))
    known: dict[tuple[str, Address], ResourceView] = {
        (subject.workspace, subject.address): subject for subject in ranked
    }
    uses = (
        Reference(subject, path, known[subject.workspace, address])
        for subject in ranked
        for path, address in subject.references.items()
        if (subject.workspace, address) in known
    )
    writings = (writing for subject in ranked for writing in _text_values_of(subject))
    return ManifestIndex(
        resources=ranked, references=tuple(uses), text_values=tuple(writings), complete=whole
    )


def _text_values_of(subject: ResourceView) -> Iterator[TextValue]:
    for path, text in walk_texts(subject):
        if len(text) >= MIN_SECRET_LENGTH:
            yield TextValue(resource=subject, path=path, text=text)
    for path in (*subject.config, *(("labels", label) for label in subject.labels)):
        if len(path[-1]) >= MIN_SECRET_LENGTH:
            yield TextValue(resource=subject, path=path, text=path[-1], is_key=True)
