"""An index of all manifests: sorted by file, with their references and texts."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.text_matching import MIN_SECRET_LENGTH, walk_texts


class Reference(Struct, frozen=True):
    """A resolved reference: ``source`` refers to ``target`` at ``path``."""

    source: ResourceView
    path: FieldPath
    target: ResourceView


class TextValue(Struct, frozen=True, kw_only=True):
    """A text of a manifest: a value, or the name of a field (``is_key``)."""

    resource: ResourceView
    path: FieldPath
    text: str
    is_key: bool = False


class ManifestIndex(Struct, frozen=True, kw_only=True):
    """The manifests, sorted by file, with derived data that several rules need.

    ``references`` are the resolved references. ``text_values`` are all texts that are long enough
    for a secret. ``complete`` means that all manifests of the workspace are present.
    """

    resources: tuple[ResourceView, ...]
    references: tuple[Reference, ...]
    text_values: tuple[TextValue, ...]
    complete: bool

    def group_references_by_target(self) -> Mapping[str, tuple[Reference, ...]]:
        """Return the references to each manifest, by the file of the target."""
        found: dict[str, list[Reference]] = {}
        for reference in self.references:
            found.setdefault(reference.target.file, []).append(reference)
        return MappingProxyType({file: tuple(group) for file, group in found.items()})


def build_manifest_index(resources: Iterable[ResourceView], *, complete: bool = True) -> ManifestIndex:
    """Index ``resources``; a reference resolves within its workspace."""
    ordered = tuple(sorted(resources, key=lambda resource: resource.file))
    known: dict[tuple[str, Address], ResourceView] = {
        (resource.workspace, resource.address): resource for resource in ordered
    }
    references = (
        Reference(resource, path, known[resource.workspace, address])
        for resource in ordered
        for path, address in resource.references.items()
        if (resource.workspace, address) in known
    )
    text_values = (text_value for resource in ordered for text_value in _text_values_of(resource))
    return ManifestIndex(
        resources=ordered, references=tuple(references), text_values=tuple(text_values), complete=complete
    )


def _text_values_of(resource: ResourceView) -> Iterator[TextValue]:
    for path, text in walk_texts(resource):
        if len(text) >= MIN_SECRET_LENGTH:
            yield TextValue(resource=resource, path=path, text=text)
    for path in (*resource.config, *(("labels", label) for label in resource.labels)):
        if len(path[-1]) >= MIN_SECRET_LENGTH:
            yield TextValue(resource=resource, path=path, text=path[-1], is_key=True)
