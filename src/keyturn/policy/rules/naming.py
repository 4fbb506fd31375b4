"""Rules about names, labels and connector ids."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from keyturn.model.diagnostic import Severity, suggest_nearest
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import compute_edit_distance, normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Requires, RuleContext, Violation, on_context, on_manifest
from keyturn.policy.settings import PolicySettings, find_environment_by_prefix
from keyturn.policy.text_matching import AI_TYPES, LazyPattern

_MAX_EDITS = 2
_LONG_WORD = 8
_SHORT_WORD = 5
_COST_CENTER_LABEL = "costcenter"
_NAME_WORDS = LazyPattern(r"^[^-_.]+[-_.][^-_.]")
_OTHER_PRODUCT_NAMES: Mapping[str, str] = MappingProxyType(
    {"mssql": "sqlserver", "mongo": "mongodb", "pg": "postgres", "psql": "postgres"}
)


def find_missing_label(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find required labels that are missing or empty."""
    for label in settings.required_labels:
        if not resource.labels.get(label, "").strip():
            yield Violation(
                resource=resource,
                path=("labels", label),
                message=f"the label {label} is missing",
                hint=f"add {label} under labels",
                at_key=True,
            )


def find_wrong_prefix(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find a name without the prefix of its environment."""
    if not settings.environments:
        return
    name = resource.address.name
    environment = settings.environments.get(resource.labels.get("environment", ""))
    if environment and not name.startswith(environment.prefix):
        message = f"the name does not start with {environment.prefix}, the prefix of its environment"
        hint = f"rename it to {environment.prefix}…, with moved_from, or correct the label environment"
        yield Violation(resource=resource, path=("name",), message=message, hint=hint)
    elif not resource.labels.get("environment") and not find_environment_by_prefix(name, settings):
        yield Violation(
            resource=resource,
            path=("name",),
            message="the name does not start with the prefix of an environment",
        )


def find_undescriptive_name(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find a name without the system."""
    name, system = resource.address.name, resource.labels.get("system", "")
    if system and system not in name and normalize_name(system) not in normalize_name(name):
        message = "the name does not contain the system of the label system"
        yield Violation(resource=resource, path=("name",), message=message)
    elif not _NAME_WORDS.search(name):
        message = "the name does not consist of environment and system"
        yield Violation(resource=resource, path=("name",), message=message)


def find_unknown_environment(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find an environment that is not in the settings."""
    environment = resource.labels.get("environment", "")
    if environment and settings.environments and environment not in settings.environments:
        yield Violation(
            resource=resource,
            path=("labels", "environment"),
            message="the label environment is not one of policy.environments",
            hint=suggest_nearest(environment, settings.environments),
        )


def find_missing_cost_center(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find resources for AI models without a cost center."""
    if (
        normalize_name(resource.type) not in AI_TYPES
        and normalize_name(resource.labels.get("system", "")) not in AI_TYPES
    ):
        return
    if _COST_CENTER_LABEL not in map(normalize_name, resource.labels):
        message = "a resource for AI models has no label cost_center"
        yield Violation(resource=resource, path=("labels",), message=message, at_key=True)


def find_unknown_connector(
    index: ManifestIndex, _: PolicySettings, context: RuleContext
) -> Iterator[Violation]:
    """Find unknown connectors with a name similar to a known one."""
    for resource in index.resources:
        if resource.address.kind != "connection" or resource.type in context.connectors:
            continue
        nearest = _nearest_connector(resource.type, context.connectors)
        if nearest:
            message = f"unknown connector; {nearest} has a similar name"
            yield Violation(
                resource=resource, path=("type",), message=message, hint=f"did you mean {nearest}?"
            )


@lru_cache
def _nearest_connector(word: str, known: tuple[str, ...]) -> str:
    if _OTHER_PRODUCT_NAMES.get(word) in known:
        return _OTHER_PRODUCT_NAMES[word]
    plain = normalize_name(word)
    # A name whose length differs more is not near, so a long text is compared with nothing.
    candidates = [name for name in known if abs(len(normalize_name(name)) - len(plain)) <= _MAX_EDITS]
    nearest = min(candidates, key=lambda name: compute_edit_distance(plain, normalize_name(name)), default="")
    allowed = _allowed_edits(min(len(plain), len(normalize_name(nearest))))
    return nearest if compute_edit_distance(plain, normalize_name(nearest)) <= allowed else ""


def _allowed_edits(letters: int) -> int:
    # Short names differ by one letter: ftp and ftps.
    if letters >= _LONG_WORD:
        return _MAX_EDITS
    return 1 if letters >= _SHORT_WORD else 0


RULES = (
    on_manifest("KT310", Severity.ERROR, find_missing_label),
    on_manifest("KT311", Severity.ERROR, find_wrong_prefix),
    on_manifest("KT313", Severity.WARNING, find_undescriptive_name),
    on_manifest("KT314", Severity.WARNING, find_unknown_environment),
    on_manifest("KT315", Severity.WARNING, find_missing_cost_center),
    on_context("KT316", Severity.WARNING, Requires.MANIFEST, find_unknown_connector),
)
