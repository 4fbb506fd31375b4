"""The policy settings of a project: the section ``policy:`` of keyturn.yaml."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from keyturn.catalog import load_catalog
from keyturn.model.address import SourceLocation
from keyturn.model.config_reader import ConfigSection
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import PlanLimit, PlanLimits
from keyturn.model.resource import EMPTY
from keyturn.policy.resource_view import ResourceView

SOPS_KEY_TYPES: Final = ("age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
"""The names of recipient types in the SOPS metadata of a file."""

TLS_MODES: Final = ("require", "verify-ca", "verify-full")
"""The TLS modes of ``tls.minimum``, weakest first."""

SEVERITY_LEVELS: Final[Mapping[str, Severity | None]] = MappingProxyType(
    {"off": None, "note": Severity.NOTE, "warning": Severity.WARNING, "error": Severity.ERROR}
)
"""The levels of ``rules``; None turns a rule off."""

SHORT_LIVED_RULES: Final = ("KT330", "KT331", "KT332")
"""The rules that ``short_lived: required`` turns into errors."""

PRODUCTION_NAMES: Final = ("prod", "production", "live")
"""The environments that are production by default."""

DEFAULT_KEY_TYPES: Final = ("age", "pgp")
DEFAULT_ROTATION_NOTICE_DAYS: Final = 14
DEFAULT_EXPIRY_NOTICE_DAYS: Final = 30

_DEFAULT_PREFIXES: Final = {"dev": "dev-", "staging": "staging-", "prod": "prod-"}
_RULE_CODE: Final = re.compile(r"KT3[1-9]\d")
_MISREAD_LETTERS: Final = {ord("O"): "0", ord("I"): "1", ord("L"): "1"}


class Environment(Struct, frozen=True):
    """An environment: the prefix of its resource names, and whether it is production."""

    prefix: str
    production: bool = False


class SeverityOverride(Struct, frozen=True):
    """The severity of a rule below ``paths``, everywhere if empty; None turns the rule off."""

    severity: Severity | None
    paths: tuple[str, ...] = ()


class PolicySettings(Struct, frozen=True, kw_only=True):
    """The policy of a project; the defaults are those of an absent section.

    ``recipients`` is keyed by a folder or glob below the root. ``max_age_days`` is the maximum age of
    a secret, 0 for no limit. ``rotation_notice_days`` and ``expiry_notice_days`` tell how many days
    before a due rotation or an expiry a finding appears. ``seal`` is ``required`` or ``warn``.
    ``uncommitted`` is ``refuse`` or ``warn``: an apply of files that the commit does not have.
    ``origin`` is the location of the section.
    """

    required_labels: tuple[str, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=lambda: EMPTY)
    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    key_types: tuple[str, ...] = DEFAULT_KEY_TYPES
    servers: tuple[str, ...] = ()
    max_age_days: int = 0
    rotation_notice_days: int = DEFAULT_ROTATION_NOTICE_DAYS
    expiry_notice_days: int = DEFAULT_EXPIRY_NOTICE_DAYS
    limits: PlanLimits = field(default_factory=PlanLimits)
    seal: str = "warn"
    uncommitted: str = "warn"
    tls: str = TLS_MODES[0]
    privileged: tuple[str, ...] = ()
    rules: Mapping[str, tuple[SeverityOverride, ...]] = field(default_factory=lambda: EMPTY)
    origin: SourceLocation = field(default_factory=lambda: SourceLocation("keyturn.yaml"))


def covers_file(pattern: str, file: str) -> bool:
    """Tell whether ``pattern`` (a folder, file or glob below the root) covers ``file``."""
    folder = pattern.rstrip("/")
    return folder in ("", ".", file) or file.startswith(folder + "/") or fnmatchcase(file, pattern)


def resolve_severity(
    settings: PolicySettings, code: str, file: str, default: Severity = Severity.ERROR
) -> Severity | None:
    """Return the severity of ``code`` in ``file``: the last override that covers it, or ``default``.

    None means that the rule is off for this file.
    """
    severity: Severity | None = default
    for override in settings.rules.get(code, ()):
        if not override.paths or any(covers_file(pattern, file) for pattern in override.paths):
            severity = override.severity
    return severity


def find_required_recipients(settings: PolicySettings, file: str) -> tuple[str, ...] | None:
    """Return the required recipients of ``file`` by the longest path that covers it; None without one."""
    covering = [pattern for pattern in settings.recipients if covers_file(pattern, file)]
    return settings.recipients[max(covering, key=len)] if covering else None


def is_rule_code(code: str) -> bool:
    """Tell whether ``code`` is a policy rule: only these have a level and can be waived."""
    return bool(_RULE_CODE.fullmatch(code)) and code in load_catalog()


def suggest_code(word: str) -> str:
    """Return the hint for an unknown rule code: the code with misread letters corrected, or the range."""
    corrected = word.upper().translate(_MISREAD_LETTERS)
    if is_rule_code(corrected):
        return f"did you mean {corrected}?"
    return "write the code of a rule, from KT310 to KT399"


def find_environment(resource: ResourceView, settings: PolicySettings) -> str:
    """Return the environment of ``resource``: its label, else by the prefix of its name, else ``""``."""
    return resource.labels.get("environment", "") or find_environment_by_prefix(
        resource.address.name, settings
    )


def find_environment_by_prefix(name: str, settings: PolicySettings) -> str:
    """Return the environment with the longest prefix of ``name``; ``""`` for none.

    Without environments in the settings, the prefixes are dev-, staging- and prod-, as in the
    guide of the vendor.
    """
    configured = {known: environment.prefix for known, environment in settings.environments.items()}
    prefixes = {
        known: prefix
        for known, prefix in (configured or _DEFAULT_PREFIXES).items()
        if prefix and name.startswith(prefix)
    }
    return max(prefixes, key=lambda known: len(prefixes[known]), default="")


def is_production(resource: ResourceView, settings: PolicySettings) -> bool:
    """Tell whether ``resource`` belongs to production."""
    name = find_environment(resource, settings)
    environment = settings.environments.get(name)
    return environment.production if environment else name in PRODUCTION_NAMES


def read_policy_settings(section: ConfigSection) -> PolicySettings:
    """Read the section ``policy:``, whose shape is valid; adds KT003 and KT305 to its errors."""
    rotation = section.read_section("rotation")
    return PolicySettings(
        required_labels=section.read_texts("required_labels"),
        environments=_read_environments(section.read_section("environments")),
        recipients=_read_recipients(section.read_section("recipients")),
        key_types=section.read_texts("key_types", DEFAULT_KEY_TYPES),
        servers=section.read_texts("servers"),
        max_age_days=rotation.read_days("max_age", 0),
        rotation_notice_days=rotation.read_days("soon", DEFAULT_ROTATION_NOTICE_DAYS),
        expiry_notice_days=section.read_section("expiry").read_days("soon", DEFAULT_EXPIRY_NOTICE_DAYS),
        limits=_read_limits(section.read_section("limits")),
        seal=section.read_text("seal", "warn"),
        uncommitted=section.read_text("uncommitted", "warn"),
        tls=section.read_section("tls").read_text("minimum", TLS_MODES[0]),
        privileged=section.read_texts("privileged"),
        rules=_read_rules(section),
        origin=section.find_location(),
    )


def _read_environments(section: ConfigSection) -> Mapping[str, Environment]:
    return MappingProxyType(
        {
            name: Environment(
                prefix=inner.read_text("prefix", f"{name}-"),
                production=inner.read_flag("production", default=name in PRODUCTION_NAMES),
            )
            for name, inner in section.read_sections()
        }
    )


def _read_recipients(section: ConfigSection) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({folder: section.read_texts(folder) for folder in section.tree})


def _read_limits(section: ConfigSection) -> PlanLimits:
    default = PlanLimits()
    return PlanLimits(
        retire=_read_limit(section.read_section("retire"), default.retire),
        rotate=_read_limit(section.read_section("rotate"), default.rotate),
    )


def _read_limit(section: ConfigSection, default: PlanLimit) -> PlanLimit:
    return PlanLimit(
        count=section.read_integer("count", default.count),
        percent=section.read_integer("percent", default.percent),
    )


def _read_rules(section: ConfigSection) -> Mapping[str, tuple[SeverityOverride, ...]]:
    required = section.read_text("short_lived", "prefer") == "required"
    overrides = dict.fromkeys(SHORT_LIVED_RULES, (SeverityOverride(Severity.ERROR),)) if required else {}
    rules = section.read_section("rules")
    for code in rules.tree:
        if is_rule_code(code):
            overrides[code] = (_read_override(rules, code),)
        else:
            rules.add_error("KT305", code, *_unknown_rule_message(code))
    return MappingProxyType(overrides)


def _unknown_rule_message(code: str) -> tuple[str, str]:
    if code in load_catalog():
        return (
            f"{code} is not a policy rule, so it has no level",
            "remove it: only the rules KT310 to KT399 have a level",
        )
    return "policy.rules names a rule that does not exist", suggest_code(code)


def _read_override(rules: ConfigSection, code: str) -> SeverityOverride:
    if isinstance(rules.tree[code], Mapping):
        override = rules.read_section(code)
        return SeverityOverride(_read_level(override, "level"), override.read_texts("paths"))
    return SeverityOverride(_read_level(rules, code))


def _read_level(section: ConfigSection, key: str) -> Severity | None:
    # A YAML 1.1 parser reads a bare off as false.
    if section.tree.get(key) is False:
        return None
    return SEVERITY_LEVELS.get(section.read_text(key), Severity.WARNING)
