"""Settings: the ``policy:`` section of keyturn.yaml, read once and frozen."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from msgspec import Struct, field

from keyturn.catalog import load_catalog
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Severity
from keyturn.core.limits import Limit, Limits
from keyturn.core.resource import EMPTY
from keyturn.policy.reading import Reading, Where, closest

SOPS_KEY_TYPES = ("age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
"""The names under which SOPS keeps recipients in a file's metadata."""

TLS_MODES = ("require", "verify-ca", "verify-full")
"""The TLS modes that may be asked for, weakest first."""

LEVELS: Mapping[str, Severity | None] = MappingProxyType(
    {"off": None, "note": Severity.NOTE, "warning": Severity.WARNING, "error": Severity.ERROR}
)
SHORT_LIVED = ("KT330", "KT331", "KT332")
"""The rules that ``short_lived: required`` turns into errors."""

PRODUCTION = ("prod", "production", "live")
"""Environments that are production unless they say otherwise."""

_RULE_CODE = re.compile(r"KT3[1-9]\d")
_MISREAD = {ord("O"): "0", ord("I"): "1", ord("L"): "1"}
_SECTIONS = (
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


class Override(Struct, frozen=True):
    """Another level for a rule, below some paths or (none given) everywhere; ``None`` turns it off."""

    level: Severity | None
    paths: tuple[str, ...] = ()


class Settings(Struct, frozen=True, kw_only=True):
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
    soon_days: int = 14
    expiry_days: int = 30
    limits: Limits = field(default_factory=Limits)
    seal: str = "warn"
    tls: str = "require"
    privileged: tuple[str, ...] = ()
    rules: Mapping[str, tuple[Override, ...]] = field(default_factory=lambda: EMPTY)
    place: Origin = field(default_factory=lambda: Origin("keyturn.yaml"))


def covers(pattern: str, file: str) -> bool:
    """Tell whether ``pattern``, a folder, file or glob below the root, covers ``file``."""
    folder = pattern.rstrip("/")
    return folder in ("", ".", file) or file.startswith(folder + "/") or fnmatchcase(file, pattern)


def level(settings: Settings, code: str, file: str, default: Severity = Severity.ERROR) -> Severity | None:
    """Return the severity of ``code`` in ``file``: the last override that covers it, or ``default``.

    ``None`` means that the rule is off there.
    """
    chosen: Severity | None = default
    for override in settings.rules.get(code, ()):
        if not override.paths or any(covers(pattern, file) for pattern in override.paths):
            chosen = override.level
    return chosen


def recipients_for(settings: Settings, file: str) -> tuple[str, ...] | None:
    """Return the recipients that ``file`` must have, by its longest covering path; None: not stated."""
    covering = [pattern for pattern in settings.recipients if covers(pattern, file)]
    return settings.recipients[max(covering, key=len)] if covering else None


def is_rule_code(code: str) -> bool:
    """Return whether a code belongs to a rule of policy: only those have a level and can be waived."""
    return bool(_RULE_CODE.fullmatch(code)) and code in load_catalog()


def nearest_code(word: str) -> str:
    """Return the hint for ``word``, which is no rule's code: the code that was meant, or where they lie."""
    meant = word.upper().translate(_MISREAD)
    return (
        f"did you mean {meant}?" if is_rule_code(meant) else "write the code of a rule, from KT310 to KT399"
    )


def settings_from(tree: Mapping[str, object], origin: Where) -> Settings:
    """Read the ``policy:`` section.

    ``origin`` gives the place of a path below the section (``("rules", "KT310")``; ``()`` is the
    section itself). Raises Faulty with everything that is wrong, each with a did-you-mean.
    """
    read = Reading(tree=tree, where=origin).only(_SECTIONS)
    rotation = read.section("rotation", ("max_age", "soon"))
    settings = Settings(
        required_labels=read.texts("required_labels"),
        environments=_environments(read.section("environments")),
        recipients=_recipients(read.section("recipients")),
        key_types=_key_types(read),
        servers=read.texts("servers"),
        max_age_days=rotation.span("max_age", 0),
        soon_days=rotation.span("soon", 14),
        expiry_days=read.section("expiry", ("soon",)).span("soon", 30),
        limits=_limits(read.section("limits", ("retire", "rotate"))),
        seal=read.choice("seal", ("required", "warn"), "warn"),
        tls=read.section("tls", ("minimum",)).choice("minimum", TLS_MODES, TLS_MODES[0]),
        privileged=read.texts("privileged"),
        rules=_rules(read),
        place=origin(()),
    )
    read.finish()
    return settings


def _environments(section: Reading) -> Mapping[str, Environment]:
    found = {}
    for name, inner in section.sections(("prefix", "production")):
        production = inner.flag("production", default=name in PRODUCTION)
        found[name] = Environment(inner.text("prefix", f"{name}-"), production)
    return MappingProxyType(found)


def _recipients(section: Reading) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({folder: section.texts(folder) for folder in section.tree})


def _key_types(read: Reading) -> tuple[str, ...]:
    stated = read.texts("key_types", ("age", "pgp"))
    for word in stated:
        if word not in SOPS_KEY_TYPES:
            message = "policy.key_types names a kind of key that SOPS does not know"
            read.fault("KT304", ("key_types",), message, closest(word, SOPS_KEY_TYPES))
    return stated


def _limits(section: Reading) -> Limits:
    plain = Limits()
    return Limits(*(_limit(section, name, getattr(plain, name)) for name in ("retire", "rotate")))


def _limit(section: Reading, name: str, plain: Limit) -> Limit:
    inner = section.section(name, ("count", "percent"))
    return Limit(inner.number("count", plain.count, 1_000_000), inner.number("percent", plain.percent, 100))


def _rules(read: Reading) -> Mapping[str, tuple[Override, ...]]:
    strict = read.choice("short_lived", ("prefer", "required"), "prefer") == "required"
    implied = dict.fromkeys(SHORT_LIVED, (Override(Severity.ERROR),)) if strict else {}
    section = read.section("rules")
    stated = {}
    for code in section.tree:
        if is_rule_code(code):
            stated[code] = _overrides(section, code)
        else:
            section.fault("KT305", (code,), *_unknown(code))
    return MappingProxyType({**implied, **stated})


def _unknown(code: str) -> tuple[str, str]:
    if code in load_catalog():
        return (
            f"{code} is no rule of policy, so its level cannot be set",
            "take it out: only KT310 to KT399 have levels",
        )
    return "policy.rules names a rule that does not exist", nearest_code(code)


def _overrides(section: Reading, code: str) -> tuple[Override, ...]:
    stated = section.tree[code]
    if isinstance(stated, Mapping):
        inner = section.section(code, ("level", "paths"))
        return (Override(_level(inner, "level"), inner.texts("paths")),)
    return (Override(_level(section, code)),)


def _level(section: Reading, key: str) -> Severity | None:
    # YAML 1.1 readers turn a bare off into False before anybody here sees the word.
    if section.tree.get(key) is False:
        return None
    return LEVELS[section.choice(key, tuple(LEVELS), "warning")]
