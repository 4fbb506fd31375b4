"""Labels and names: whose a resource is, where it belongs, what for."""

from collections.abc import Iterator

from keyturn.core.diagnostic import Severity
from keyturn.policy.environments import by_prefix
from keyturn.policy.pattern import Pattern
from keyturn.policy.reading import closest
from keyturn.policy.rule import Found, on_manifest
from keyturn.policy.settings import Settings
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import AI_TYPES

_COST_CENTER = "costcenter"
_WORDS = Pattern(r"^[^-_.]+[-_.][^-_.]")


def required_labels(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find labels that the settings require and the manifest lacks or leaves empty."""
    for label in settings.required_labels:
        if not subject.labels.get(label, "").strip():
            yield Found(
                subject=subject,
                path=("labels", label),
                message=f"the label {label} is missing",
                hint=f"add {label} under labels",
                key=True,
            )


def prefix(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find a name that does not begin as its environment's names do."""
    if not settings.environments:
        return
    name = subject.address.name
    stated = settings.environments.get(subject.labels.get("environment", ""))
    if stated and not name.startswith(stated.prefix):
        message = f"the name does not begin with {stated.prefix}, the prefix of its environment"
        hint = f"rename it to {stated.prefix}…, with moved_from, or correct the label environment"
        yield Found(subject=subject, path=("name",), message=message, hint=hint)
    elif not subject.labels.get("environment") and not by_prefix(name, settings):
        yield Found(subject=subject, path=("name",), message="the name begins with no environment's prefix")


def naming(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find a name that does not say which system it is for."""
    name, system = subject.address.name, subject.labels.get("system", "")
    if system and system not in name and fold(system) not in fold(name):
        message = "the name does not hold the system that the label names"
        yield Found(subject=subject, path=("name",), message=message)
    elif not _WORDS.search(name):
        message = "the name is not made of environment and system"
        yield Found(subject=subject, path=("name",), message=message)


def known_environment(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find an environment that the settings do not have."""
    stated = subject.labels.get("environment", "")
    if stated and settings.environments and stated not in settings.environments:
        yield Found(
            subject=subject,
            path=("labels", "environment"),
            message="the label environment names none of policy.environments",
            hint=closest(stated, settings.environments),
        )


def cost_center(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find resources for AI models that do not say who pays."""
    if fold(subject.type) not in AI_TYPES and fold(subject.labels.get("system", "")) not in AI_TYPES:
        return
    if _COST_CENTER not in map(fold, subject.labels):
        message = "a resource for AI models has no label cost_center"
        yield Found(subject=subject, path=("labels",), message=message, key=True)


RULES = (
    on_manifest("KT310", Severity.ERROR, required_labels),
    on_manifest("KT311", Severity.ERROR, prefix),
    on_manifest("KT313", Severity.WARNING, naming),
    on_manifest("KT314", Severity.WARNING, known_environment),
    on_manifest("KT315", Severity.WARNING, cost_center),
)
