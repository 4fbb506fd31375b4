"""Where a resource belongs."""

import pytest

from keyturn.policy.settings import find_environment, is_production
from sample_policies import make_settings, make_view

STATED = make_settings(
    {"environments": {"prod": {}, "prodeu": {"prefix": "prod-eu-"}, "qa": {"production": True}}}
)
BARE = make_settings({})


def made(name, label=""):
    """Return a manifest of this name, labelled or not."""
    labels = f"labels: {{environment: {label}}}\n" if label else ""
    return make_view(f"kind: credential\nname: {name}\ntype: aws\n{labels}")


@pytest.mark.parametrize(
    ("policy", "name", "label", "expected"),
    [
        (STATED, "prod-x", "", "prod"),
        (STATED, "prod-eu-x", "", "prodeu"),
        (STATED, "prod-x", "qa", "qa"),
        (STATED, "dev-x", "", ""),
        (BARE, "dev-x", "", "dev"),
        (BARE, "staging-x", "", "staging"),
        (BARE, "x", "", ""),
    ],
)
def test_the_label_precedes_the_longest_prefix(policy, name, label, expected):
    """Without settings, the prefixes of the vendor apply."""
    assert find_environment(made(name, label), policy) == expected


@pytest.mark.parametrize(
    ("policy", "name", "label", "expected"),
    [
        (STATED, "prod-x", "", True),
        (STATED, "prod-eu-x", "", False),
        (STATED, "qa-x", "", True),
        (BARE, "x", "production", True),
        (BARE, "x", "live", True),
        (BARE, "x", "", False),
    ],
)
def test_production_is_configured_or_has_a_usual_name(policy, name, label, expected):
    """By the settings, or by name."""
    assert is_production(made(name, label), policy) is expected
