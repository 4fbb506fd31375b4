"""Labels and names: whose a resource is, where it belongs, what for."""

from collections.abc import Iterator

from keyturn.core.diagnostic import Severity
from keyturn.policy.environments import environment_by_prefix
from keyturn.policy.pattern import LazyPattern
from keyturn.policy.reading import suggest_nearest
from keyturn.policy.rule import Violation, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.spelling import normalize_name
from keyturn.policy.subject import ResourceView
from keyturn.policy.words import AI_TYPES

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
        yield Violation(resource=subject, path=("name",), message="the name begins with no environment's prefix")


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
    if normalize_name(subject.type) not in AI_TYPES and normalize_name(subject.labels.get("system", "")) not in AI_TYPES:
        return
    if _COST_CENTER_LABEL not in map(normalize_name, subject.labels):
        message = "a resource for AI models has no label cost_center"
        yield Violation(resource=subject, path=("labels",), message=message, at_key=True)


RULES = (
    on_manifest("KT310", Severity.ERROR, missing_label),
    on_manifest("KT311", Severity.ERROR, environment_prefix),
    on_manifest("KT313", Severity.WARNING, undescriptive_name),
    on_manifest("KT314", Severity.WARNING, unknown_environment),
    on_manifest("KT315", Severity.WARNING, missing_cost_center),
)
