"""Rules that keep environments, workloads and AI providers apart."""

from collections.abc import Iterable, Iterator, Mapping

from keyturn.model.diagnostic import Severity, pluralize_or_none
from keyturn.model.fields import FieldPath, mask_path
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Requires, RuleContext, Violation, on_context, on_index
from keyturn.policy.settings import PolicySettings, find_environment
from keyturn.policy.text_matching import AI_TYPES, format_field_name

_AZURE_NAMES = frozenset({"azure", "azureopenai"})
_AI_CALLER_TYPES = AI_TYPES | {"restapi", "graphql"}
_VENDOR_FIELDS = frozenset({"vendor", "provider"})
_CLIENT_ID_FIELDS = frozenset({"clientid", "consumerkey", "accesskeyid"})


def find_cross_environment_reference(index: ManifestIndex, settings: PolicySettings) -> Iterator[Violation]:
    """Find references into another environment."""
    for reference in index.references:
        ours, theirs = (
            find_environment(reference.source, settings),
            find_environment(reference.target, settings),
        )
        if ours and theirs and ours != theirs:
            message = (
                f"the {reference.source.address.kind} uses {reference.target.address} of another environment"
            )
            yield Violation(resource=reference.source, path=reference.path, message=message)


def find_shared_client_id(index: ManifestIndex, settings: PolicySettings) -> Iterator[Violation]:
    """Find client ids that more than one environment uses."""
    holders: dict[tuple[str, str], list[tuple[ResourceView, FieldPath]]] = {}
    for resource in index.resources:
        for path, leaf in resource.find_fields(_CLIENT_ID_FIELDS):
            if isinstance(leaf, str) and leaf:
                holders.setdefault((normalize_name(path[-1]), leaf), []).append((resource, path))
    for group in holders.values():
        for (resource, path), first in _cross_environment_holders(group, settings):
            message = f"the {format_field_name(path)} is also used by {first.address} of another environment"
            yield Violation(resource=resource, path=path, message=message)


def find_cross_environment_secret(
    index: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Find secrets that more than one environment uses."""
    for group in _same_secret_groups(index, context.fingerprints):
        for (resource, path), first in _cross_environment_holders(group, settings):
            message = (
                f"the secret {mask_path(path[1:])} is also used by {first.address} of another environment"
            )
            yield Violation(resource=resource, path=path, message=message, at_key=True)


def find_shared_secret(
    index: ManifestIndex, settings: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Find secrets that several credentials of one environment use."""
    for group in _same_secret_groups(index, context.fingerprints):
        first, *others = group
        crossing = {id(resource) for (resource, _), _ in _cross_environment_holders(group, settings)}
        for resource, path in others:
            if resource is not first[0] and id(resource) not in crossing:
                message = f"the secret {mask_path(path[1:])} is also used by {first[0].address}"
                yield Violation(resource=resource, path=path, message=message, at_key=True)


def find_shared_workload_credential(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find credentials that connections of several workloads use."""
    for references in index.group_references_by_target().values():
        workloads = {
            reference.source.labels["workload"]
            for reference in references
            if reference.source.labels.get("workload")
        }
        if len(workloads) > 1:
            target = references[0].target
            count = pluralize_or_none(len(workloads), "workload")
            message = f"{count} (label workload) use the {target.address.kind}"
            yield Violation(resource=target, path=("name",), message=message)


def find_mixed_ai_providers(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find connections and credentials for both Azure OpenAI and OpenAI."""
    providers = {
        resource.file: _ai_providers_of(resource)
        for resource in index.resources
        if normalize_name(resource.type) in _AI_CALLER_TYPES
    }
    for resource in index.resources:
        if len(providers.get(resource.file, ())) > 1:
            message = "the connection names both Azure OpenAI and OpenAI"
            yield Violation(resource=resource, path=("type",), message=message)
    for references in index.group_references_by_target().values():
        if (
            len(
                {
                    provider
                    for reference in references
                    for provider in providers.get(reference.source.file, ())
                }
            )
            > 1
        ):
            message = "the credential is used for both Azure OpenAI and OpenAI"
            yield Violation(resource=references[0].target, path=("name",), message=message)


def _same_secret_groups(
    index: ManifestIndex, fingerprints: Mapping[tuple[str, FieldPath], str]
) -> Iterable[list[tuple[ResourceView, FieldPath]]]:
    by_file = {resource.file: resource for resource in index.resources}
    groups: dict[str, list[tuple[ResourceView, FieldPath]]] = {}
    for (file, path), fingerprint in sorted(fingerprints.items()):
        if file in by_file:
            groups.setdefault(fingerprint, []).append((by_file[file], ("secrets", *path)))
    return groups.values()


def _cross_environment_holders(
    group: list[tuple[ResourceView, FieldPath]], settings: PolicySettings
) -> Iterator[tuple[tuple[ResourceView, FieldPath], ResourceView]]:
    placed = [(holder, find_environment(holder[0], settings)) for holder in group]
    placed = [(holder, environment) for holder, environment in placed if environment]
    for holder, environment in placed[1:]:
        other = next((held for held, theirs in placed if theirs != environment), None)
        if other:
            yield holder, other[0]


def _ai_providers_of(resource: ResourceView) -> set[str]:
    texts = [leaf.lower() for leaf in resource.config.values() if isinstance(leaf, str)]
    vendors = {
        normalize_name(leaf) for _, leaf in resource.find_fields(_VENDOR_FIELDS) if isinstance(leaf, str)
    }
    azure = any(".openai.azure.com" in text for text in texts)
    found = set()
    if azure or _AZURE_NAMES & {normalize_name(resource.type), *vendors}:
        found.add("azure")
    public = any("api.openai.com" in text for text in texts) or "openai" in vendors
    if public or (normalize_name(resource.type) == "openai" and not found):
        found.add("openai")
    return found


RULES = (
    on_index("KT312", Severity.ERROR, find_cross_environment_reference),
    on_index("KT360", Severity.ERROR, find_shared_client_id),
    on_context("KT361", Severity.ERROR, Requires.SECRETS, find_cross_environment_secret),
    on_context("KT362", Severity.NOTE, Requires.SECRETS, find_shared_secret),
    on_index("KT363", Severity.WARNING, find_shared_workload_credential),
    on_index("KT366", Severity.ERROR, find_mixed_ai_providers),
)
