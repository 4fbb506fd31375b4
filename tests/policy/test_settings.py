"""The policy section of keyturn.yaml."""

import pytest

from keyturn.catalog import load_catalog
from keyturn.model.address import SourceLocation
from keyturn.model.config_reader import ConfigSection
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import PlanLimit
from keyturn.policy.settings import (
    Environment,
    PolicySettings,
    SeverityOverride,
    covers_file,
    find_required_recipients,
    is_rule_code,
    read_policy_settings,
    resolve_severity,
)
from sample_policies import make_settings

FULL = {
    "required_labels": ["environment"],
    "environments": {"prod": {"prefix": "p-"}, "qa": {"production": True}},
    "recipients": {"manifests": ["age1a"], "manifests/prod": ["age1b", "age1c"]},
    "key_types": ["age", "kms"],
    "servers": ["https://vault.acme.com"],
    "rotation": {"max_age": "12w", "soon": "7d"},
    "expiry": {"soon": "60d"},
    "limits": {"retire": {"count": 3}, "rotate": {"percent": 10}},
    "seal": "required",
    "tls": {"minimum": "verify-full"},
    "privileged": ["DWH_GOD"],
    "rules": {"KT310": "off", "KT350": {"level": "warning", "paths": ["legacy"]}, "KT313": False},
}


def wrong(tree):
    """Return the findings about ``tree``: code and place below the section."""
    section = ConfigSection(tree=tree, locate=lambda path: SourceLocation("/".join(path)))
    read_policy_settings(section)
    return [(error.code, error.origin.file, error.hint) for error in section.errors]


def test_an_absent_section_has_the_defaults():
    """As ``PolicySettings()``."""
    assert make_settings({}) == PolicySettings(origin=SourceLocation("keyturn.yaml", 1, 1))


def test_every_setting_is_read():
    """A partial setting keeps the other defaults."""
    read = make_settings(FULL)
    assert read.environments == {
        "prod": Environment("p-", production=True),
        "qa": Environment("qa-", production=True),
    }
    assert (read.max_age_days, read.rotation_notice_days, read.expiry_notice_days) == (84, 7, 60)
    assert (read.limits.retire, read.limits.rotate) == (PlanLimit(3, 20), PlanLimit(20, 10))
    assert (read.key_types, read.servers) == (("age", "kms"), ("https://vault.acme.com",))
    assert (read.seal, read.tls, read.privileged) == ("required", "verify-full", ("DWH_GOD",))
    assert read.rules == {
        "KT310": (SeverityOverride(None),),
        "KT350": (SeverityOverride(Severity.WARNING, ("legacy",)),),
        "KT313": (SeverityOverride(None),),
    }


def test_only_rules_have_a_level():
    """A misspelled code has the nearest one as hint; integrity checks cannot be disabled."""
    assert wrong({"rules": {"kt31O": "off"}}) == [("KT305", "rules/kt31O", "did you mean KT310?")]
    assert wrong({"rules": {"off": "off"}}) == [
        ("KT305", "rules/off", "write the code of a rule, from KT310 to KT399")
    ]
    code = next(code for code in load_catalog() if code.startswith("KT2"))
    assert wrong({"rules": {code: "off"}}) == [
        ("KT305", f"rules/{code}", "remove it: only the rules KT310 to KT399 have a level")
    ]


@pytest.mark.parametrize(
    ("pattern", "file", "expected"),
    [
        ("manifests/prod", "manifests/prod/a.yaml", True),
        ("manifests/prod/", "manifests/prod/a.yaml", True),
        ("manifests/prod", "manifests/production/a.yaml", False),
        ("manifests/prod/a.yaml", "manifests/prod/a.yaml", True),
        ("manifests/*/a.yaml", "manifests/prod/a.yaml", True),
        (".", "manifests/prod/a.yaml", True),
        ("a.yaml", "manifests/prod/a.yaml", False),
    ],
)
def test_a_path_covers_a_folder_a_file_or_a_glob(pattern, file, expected):
    """A folder's name is not a prefix of another's."""
    assert covers_file(pattern, file) is expected


def test_a_level_applies_below_its_paths():
    """Elsewhere the rule keeps its default."""
    read = make_settings(FULL)
    assert resolve_severity(read, "KT350", "legacy/a.yaml") is Severity.WARNING
    assert resolve_severity(read, "KT350", "new/a.yaml") is Severity.ERROR
    assert resolve_severity(read, "KT310", "new/a.yaml", Severity.NOTE) is None
    assert resolve_severity(read, "KT351", "new/a.yaml", Severity.NOTE) is Severity.NOTE


def test_the_longest_path_has_the_recipients():
    """None differs from an empty list."""
    read = make_settings(FULL)
    assert find_required_recipients(read, "manifests/prod/a.yaml") == ("age1b", "age1c")
    assert find_required_recipients(read, "manifests/dev/a.yaml") == ("age1a",)
    assert find_required_recipients(read, "elsewhere/a.yaml") is None


def test_only_rules_are_configurable():
    """Not the diagnostics about waivers and settings."""
    assert {code for code in load_catalog() if is_rule_code(code)} == {
        code for code in load_catalog() if "KT310" <= code <= "KT399"
    }
    assert not is_rule_code("KT302")
    assert not is_rule_code("KT319")
