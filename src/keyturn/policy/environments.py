"""Environments: where a resource belongs, by its label or, without one, by its name."""

from keyturn.policy.settings import PRODUCTION_NAMES, PolicySettings
from keyturn.policy.subject import ResourceView

_DEFAULT_PREFIXES = {"dev": "dev-", "staging": "staging-", "prod": "prod-"}


def environment_of(subject: ResourceView, settings: PolicySettings) -> str:
    """Return the environment of ``subject``: its label, else the one whose prefix its name has, else ``""``.

    Without environments in the settings, the prefixes are the vendor's: dev-, staging- and prod-.
    """
    return subject.labels.get("environment", "") or environment_by_prefix(subject.address.name, settings)


def environment_by_prefix(name: str, settings: PolicySettings) -> str:
    """Return the environment whose prefix ``name`` has, the longest of several; ``""`` for none."""
    stated = {known: environment.prefix for known, environment in settings.environments.items()}
    fitting = {
        known: prefix
        for known, prefix in (stated or _DEFAULT_PREFIXES).items()
        if prefix and name.startswith(prefix)
    }
    return max(fitting, key=lambda known: len(fitting[known]), default="")


def is_production(subject: ResourceView, settings: PolicySettings) -> bool:
    """Tell whether ``subject`` belongs to production."""
    environment = environment_of(subject, settings)
    stated = settings.environments.get(environment)
    return stated.production if stated else environment in PRODUCTION_NAMES
