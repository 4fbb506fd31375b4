"""Environments: where a resource belongs, by its label or, without one, by its name."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from msgspec import Struct, field

from keyturn.catalog import load_catalog
from keyturn.model.address import SourceLocation
from keyturn.model.config_reader import LocationLookup, PolicySection, suggest_nearest
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import PlanLimit, PlanLimits
from keyturn.model.resource import EMPTY
from keyturn.policy.resource_view import ResourceView

SOPS_KEY_TYPES = ("age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
"""The names under which SOPS keeps recipients in a file's metadata."""

TLS_MODES = ("require", "verify-ca", "verify-full")
"""The TLS modes that may be asked for, weakest first."""

SEVERITY_LEVELS: Mapping[str, Severity | None] = MappingProxyType(
    {"off": None, "note": Severity.NOTE, "warning": Severity.WARNING, "error": Severity.ERROR}
)
SHORT_LIVED_RULES = ("KT330", "KT331", "KT332")
"""The rules that ``short_lived: required`` turns into errors."""

PRODUCTION_NAMES = ("prod", "production", "live")
"""Environments that are production unless they say otherwise."""

_RULE_CODE = re.compile(r"KT3[1-9]\d")
_MISREAD_LETTERS = {ord("O"): "0", ord("I"): "1", ord("L"): "1"}
_POLICY_SECTIONS = (
    "required_labels",
    "environments",
    "recipients",
    "key_types",
    "servers",
    "rotation",
    "expiry",
    "limits",
    "seal",
    "tls",
    "short_lived",
    "privileged",
    "rules",
)


class Environment(Struct, frozen=True):
    """An environment: the prefix of its resources' names, and whether it is production."""

    prefix: str
    production: bool = False


class SeverityOverride(Struct, frozen=True):
    """Another level for a rule, below some paths or (none given) everywhere; ``None`` turns it off."""

    severity: Severity | None
    paths: tuple[str, ...] = ()


class PolicySettings(Struct, frozen=True, kw_only=True):
    """What the project asks of its manifests; the defaults are those of an absent section.

    ``recipients`` is keyed by a folder or glob below the root. ``max_age_days`` 0 means that no
    age is asked for; ``soon_days`` is how long before a rotation is due, ``expiry_days`` how long
    before an expiry, it is said. ``seal`` is ``required`` or ``warn``. ``place`` is where the
    section begins.
    """

    required_labels: tuple[str, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=lambda: EMPTY)
    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    key_types: tuple[str, ...] = ("age", "pgp")
    servers: tuple[str, ...] = ()
    max_age_days: int = 0
    rotation_notice_days: int = 14
    expiry_notice_days: int = 30
    limits: PlanLimits = field(default_factory=PlanLimits)
    seal: str = "warn"
    tls: str = "require"
    privileged: tuple[str, ...] = ()
    rules: Mapping[str, tuple[SeverityOverride, ...]] = field(default_factory=lambda: EMPTY)
    origin: SourceLocation = field(default_factory=lambda: SourceLocation("keyturn.yaml"))


def covers_file(pattern: str, file: str) -> bool:
    """Tell whether ``pattern``, a folder, file or glob below the root, covers ``file``."""
    folder = pattern.rstrip("/")
    return folder in ("", ".", file) or file.startswith(folder + "/") or fnmatchcase(file, pattern)


def effective_severity(
    settings: PolicySettings, code: str, file: str, default: Severity = Severity.ERROR
) -> Severity | None:
    """Return the severity of ``code`` in ``file``: the last override that covers it, or ``default``.

    ``None`` means that the rule is off there.
    """
    chosen: Severity | None = default
    for override in settings.rules.get(code, ()):
        if not override.paths or any(covers_file(pattern, file) for pattern in override.paths):
            chosen = override.severity
    return chosen


def recipients_for(settings: PolicySettings, file: str) -> tuple[str, ...] | None:
    """Return the recipients that ``file`` must have, by its longest covering path; None: not stated."""
    covering = [pattern for pattern in settings.recipients if covers_file(pattern, file)]
    return settings.recipients[max(covering, key=len)] if covering else None


def is_rule_code(code: str) -> bool:
    """Return whether a code belongs to a rule of policy: only those have a level and can be waived."""
    return bool(_RULE_CODE.fullmatch(code)) and code in load_catalog()


def suggest_code(word: str) -> str:
    """Return the hint for ``word``, which is no rule's code: the code that was meant, or where they lie."""
    meant = word.upper().translate(_MISREAD_LETTERS)
    return (
        f"did you mean {meant}?" if is_rule_code(meant) else "write the code of a rule, from KT310 to KT399"
    )


def parse_policy_settings(tree: Mapping[str, object], origin: LocationLookup) -> PolicySettings:
    """Read the ``policy:`` section.

    ``origin`` gives the place of a path below the section (``("rules", "KT310")``; ``()`` is the
    section itself). Raises Faulty with everything that is wrong, each with a did-you-mean.
    """
    read = PolicySection(tree=tree, find_location=origin).reject_unknown_keys(_POLICY_SECTIONS)
    rotation = read.read_section("rotation", ("max_age", "soon"))
    settings = PolicySettings(
        required_labels=read.read_texts("required_labels"),
        environments=_read_environments(read.read_section("environments")),
        recipients=_read_recipients(read.read_section("recipients")),
        key_types=_read_key_types(read),
        servers=read.read_texts("servers"),
        max_age_days=rotation.read_days("max_age", 0),
        rotation_notice_days=rotation.read_days("soon", 14),
        expiry_notice_days=read.read_section("expiry", ("soon",)).read_days("soon", 30),
        limits=_read_limits(read.read_section("limits", ("retire", "rotate"))),
        seal=read.read_choice("seal", ("required", "warn"), "warn"),
        tls=read.read_section("tls", ("minimum",)).read_choice("minimum", TLS_MODES, TLS_MODES[0]),
        privileged=read.read_texts("privileged"),
        rules=_read_rules(read),
        origin=origin(()),
    )
    read.raise_errors()
    return settings


def _read_environments(section: PolicySection) -> Mapping[str, Environment]:
    found = {}
    for name, inner in section.read_sections(("prefix", "production")):
        production = inner.read_flag("production", default=name in PRODUCTION_NAMES)
        found[name] = Environment(inner.read_text("prefix", f"{name}-"), production)
    return MappingProxyType(found)


def _read_recipients(section: PolicySection) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({folder: section.read_texts(folder) for folder in section.tree})


def _read_key_types(read: PolicySection) -> tuple[str, ...]:
    stated = read.read_texts("key_types", ("age", "pgp"))
    for word in stated:
        if word not in SOPS_KEY_TYPES:
            message = "policy.key_types names a kind of key that SOPS does not know"
            read.add_error("KT304", ("key_types",), message, suggest_nearest(word, SOPS_KEY_TYPES))
    return stated


def _read_limits(section: PolicySection) -> PlanLimits:
    plain = PlanLimits()
    return PlanLimits(*(_read_limit(section, name, getattr(plain, name)) for name in ("retire", "rotate")))


def _read_limit(section: PolicySection, name: str, plain: PlanLimit) -> PlanLimit:
    inner = section.read_section(name, ("count", "percent"))
    return PlanLimit(
        inner.read_number("count", plain.count, 1_000_000), inner.read_number("percent", plain.percent, 100)
    )


def _read_rules(read: PolicySection) -> Mapping[str, tuple[SeverityOverride, ...]]:
    strict = read.read_choice("short_lived", ("prefer", "required"), "prefer") == "required"
    implied = dict.fromkeys(SHORT_LIVED_RULES, (SeverityOverride(Severity.ERROR),)) if strict else {}
    section = read.read_section("rules")
    stated = {}
    for code in section.tree:
        if is_rule_code(code):
            stated[code] = _read_overrides(section, code)
        else:
            section.add_error("KT305", (code,), *_unknown_rule_message(code))
    return MappingProxyType({**implied, **stated})


def _unknown_rule_message(code: str) -> tuple[str, str]:
    if code in load_catalog():
        return (
            f"{code} is no rule of policy, so its level cannot be set",
            "take it out: only KT310 to KT399 have levels",
        )
    return "policy.rules names a rule that does not exist", suggest_code(code)


def _read_overrides(section: PolicySection, code: str) -> tuple[SeverityOverride, ...]:
    stated = section.tree[code]
    if isinstance(stated, Mapping):
        inner = section.read_section(code, ("level", "paths"))
        return (SeverityOverride(_read_level(inner, "level"), inner.read_texts("paths")),)
    return (SeverityOverride(_read_level(section, code)),)


def _read_level(section: PolicySection, key: str) -> Severity | None:
    # YAML 1.1 readers turn a bare off into False before anybody here sees the word.
    if section.tree.get(key) is False:
        return None
    return SEVERITY_LEVELS[section.read_choice(key, tuple(SEVERITY_LEVELS), "warning")]


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
