"""Rules about encrypted files that are copies of one another; they need no key."""

from collections.abc import Iterator, Mapping

from keyturn.model.diagnostic import Severity
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Requires, Violation, on_index
from keyturn.policy.settings import PolicySettings


def pair_equal_data_keys(key_traces: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
    """Return for each file with the data key of an earlier file the path of the first such file.

    ``key_traces`` has the traces of each file by path; two files with a common trace have one data key.
    """
    owners: dict[str, str] = {}
    pairs = {}
    for file, traces in key_traces.items():
        owner = min((owners[trace] for trace in traces & owners.keys()), default=file)
        if owner != file:
            pairs[file] = owner
        for trace in traces:
            owners.setdefault(trace, owner)
    return pairs


def find_shared_data_key(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find files with the data key of another file."""
    resources = {resource.file: resource for resource in index.resources}
    pairs = pair_equal_data_keys({file: resource.key_traces for file, resource in resources.items()})
    for file, owner in pairs.items():
        if not _is_edited_copy(resources[file], resources[owner]):
            message = f"{file} and {owner} have the same data key"
            yield Violation(resource=resources[file], path=("secrets",), message=message, at_key=True)


def find_edited_copy(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find files with the MAC of another file, but other values."""
    owners: dict[str, ResourceView] = {}
    for resource in index.resources:
        owner = owners.setdefault(resource.mac_trace, resource) if resource.mac_trace else resource
        if _is_edited_copy(resource, owner):
            message = f"{resource.file} and {owner.file} have the same MAC, but different values"
            yield Violation(resource=resource, path=("sops", "mac"), message=message)


def _is_edited_copy(resource: ResourceView, owner: ResourceView) -> bool:
    return bool(resource.mac_trace) and (
        resource.mac_trace == owner.mac_trace and _list_values(resource) != _list_values(owner)
    )


def _list_values(resource: ResourceView) -> tuple[object, ...]:
    references = {path: str(address) for path, address in resource.references.items()}
    return (str(resource.address), resource.type, dict(resource.config), dict(resource.labels), references)


RULES = (
    on_index("KT377", Severity.WARNING, find_shared_data_key, Requires.MANIFEST),
    on_index("KT378", Severity.ERROR, find_edited_copy, Requires.MANIFEST),
)
