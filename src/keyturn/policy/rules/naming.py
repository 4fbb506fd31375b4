"""Connectors: an id that is probably a slip of the pen."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from keyturn.model.diagnostic import Severity, suggest_nearest
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import edit_distance, normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Requires, RuleContext, Violation, on_context, on_manifest
from keyturn.policy.settings import PolicySettings, environment_by_prefix
from keyturn.policy.text_matching import AI_TYPES, LazyPattern

_LONG_WORD = 8
_SHORT_WORD = 5
_OTHER_PRODUCT_NAMES: Mapping[str, str] = MappingProxyType(
    {"mssql": "sqlserver", "mongo": "mongodb", "pg": "postgres", "psql": "postgres"}
)


def unknown_connector(fleet: ManifestIndex, _: PolicySettings, context: RuleContext) -> Iterator[Violation]:
    """Find connectors that are not known and nearly called like one that is."""
    for subject in fleet.resources:
        if subject.address.kind != "connection" or subject.type in context.connectors:
            continue
        meant = _nearest_connector(subject.type, context.connectors)
        if meant:
            message = f"no connector is known by this name, and {meant} is"
            yield Violation(resource=subject, path=("type",), message=message, hint=f"did you mean {meant}?")


@lru_cache
def _nearest_connector(word: str, known: tuple[str, ...]) -> str:
    if _OTHER_PRODUCT_NAMES.get(word) in known:
        return _OTHER_PRODUCT_NAMES[word]
    plain = normalize_name(word)
    near = min(known, key=lambda each: edit_distance(plain, normalize_name(each)), default="")
    return (
        near
        if edit_distance(plain, normalize_name(near))
        <= _allowed_edits(min(len(plain), len(normalize_name(near))))
        else ""
    )


def _allowed_edits(letters: int) -> int:
    # In a short word one slip makes another word: ftps is not ftp.
    if letters >= _LONG_WORD:
        return 2
    return 1 if letters >= _SHORT_WORD else 0


_COST_CENTER_LABEL = "costcenter"
_NAME_WORDS = LazyPattern(r"^[^-_.]+[-_.][^-_.]")


def missing_label(subject: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find labels that the settings require and the manifest lacks or leaves empty."""
    for label in settings.required_labels:
        if not subject.labels.get(label, "").strip():
            yield Violation(
                resource=subject,
                path=("labels", label),
                message=f"the label {label} is missing",
                hint=f"add {label} under labels",
                at_key=True,
            )


def environment_prefix(subject: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find a name that does not begin as its environment's names do."""
    if not settings.environments:
        return
    name = subject.address.name
    stated = settings.environments.get(subject.labels.get("environment", ""))
    if stated and not name.startswith(stated.prefix):
        message = f"the name does not begin with {stated.prefix}, the prefix of its environment"
        hint = f"rename it to {stated.prefix}…, with moved_from, or correct the label environment"
        yield Violation(resource=subject, path=("name",), message=message, hint=hint)
    elif not subject.labels.get("environment") and not environment_by_prefix(name, settings):
        yield Violation(
            resource=subject, path=("name",), message="the name begins with no environment's prefix"
        )


def undescriptive_name(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find a name that does not say which system it is for."""
    name, system = subject.address.name, subject.labels.get("system", "")
    if system and system not in name and normalize_name(system) not in normalize_name(name):
        message = "the name does not hold the system that the label names"
        yield Violation(resource=subject, path=("name",), message=message)
    elif not _NAME_WORDS.search(name):
        message = "the name is not made of environment and system"
        yield Violation(resource=subject, path=("name",), message=message)


def unknown_environment(subject: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find an environment that the settings do not have."""
    stated = subject.labels.get("environment", "")
    if stated and settings.environments and stated not in settings.environments:
        yield Violation(
            resource=subject,
            path=("labels", "environment"),
            message="the label environment names none of policy.environments",
            hint=suggest_nearest(stated, settings.environments),
        )


def missing_cost_center(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find resources for AI models that do not say who pays."""
    if (
        normalize_name(subject.type) not in AI_TYPES
        and normalize_name(subject.labels.get("system", "")) not in AI_TYPES
    ):
        return
    if _COST_CENTER_LABEL not in map(normalize_name, subject.labels):
        message = "a resource for AI models has no label cost_center"
        yield Violation(resource=subject, path=("labels",), message=message, at_key=True)


RULES = (
    on_context("KT316", Severity.WARNING, Requires.MANIFEST, unknown_connector),
    on_manifest("KT310", Severity.ERROR, missing_label),
    on_manifest("KT311", Severity.ERROR, environment_prefix),
    on_manifest("KT313", Severity.WARNING, undescriptive_name),
    on_manifest("KT314", Severity.WARNING, unknown_environment),
    on_manifest("KT315", Severity.WARNING, missing_cost_center),
)
