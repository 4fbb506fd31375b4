"""Labels and names."""

import pytest

from sample_policies import list_places, make_settings, run_policy_rules

CLEAN = """\
kind: credential
name: prod-snowflake-reader
type: database
labels: {environment: prod, system: snowflake, owner: data-platform}
config: {host: db.example.com}
"""
BARE = CLEAN.replace("prod-snow", "snow")
TABLE = [
    ("KT310", CLEAN.replace(", owner: data-platform", ""), ["prod-snowflake-reader:4:1"]),
    ("KT310", CLEAN.replace("data-platform", '" "'), ["prod-snowflake-reader:4:48"]),
    ("KT310", CLEAN.replace("labels: {environment: prod, system: snowflake, owner: data-platform}\n", ""),
     ["prod-snowflake-reader:1:1"] * 3),
    ("KT311", BARE, ["snowflake-reader:2:7"]),
    ("KT311", CLEAN.replace("prod-snow", "staging-snow"), ["staging-snowflake-reader:2:7"]),
    ("KT311", BARE.replace("environment: prod, ", ""), ["snowflake-reader:2:7"]),
    ("KT313", CLEAN.replace("prod-snowflake-reader", "prod-warehouse"), ["prod-warehouse:2:7"]),
    ("KT313", CLEAN.replace("prod-snowflake-reader", "snowflake"), ["snowflake:2:7"]),
    ("KT314", CLEAN.replace("environment: prod", "environment: prd"), ["prod-snowflake-reader:4:23"]),
    ("KT315", CLEAN.replace("system: snowflake", "system: openai"), ["prod-snowflake-reader:4:1"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "expected"), TABLE)
def test_a_violation_has_its_location(code, text, expected):
    """Each rule reports the value to change."""
    assert list_places(code, run_policy_rules(text, complete=False)) == expected


def test_a_valid_manifest_is_accepted():
    """No rule reports anything."""
    assert run_policy_rules(CLEAN, complete=False) == ()


def test_a_system_is_found_in_a_name_whatever_its_spelling():
    """A name joins words with dashes where a label may not."""
    text = CLEAN.replace("prod-snowflake-reader", "prod-google-ads").replace("snowflake", "Google Ads")
    assert list_places("KT313", run_policy_rules(text, complete=False)) == []


def test_a_misspelled_environment_has_the_nearest_one_as_hint():
    """From the settings."""
    found = run_policy_rules(CLEAN.replace("environment: prod", "environment: stagin"), complete=False)
    assert [finding.hint for finding in found if finding.code == "KT314"] == ["did you mean staging?"]


def test_without_environments_no_prefix_is_required():
    """The settings name no environments."""
    text = CLEAN.replace("prod-snow", "snow")
    assert list_places("KT311", run_policy_rules(text, policy=make_settings({}), complete=False)) == []


@pytest.mark.parametrize("label", ["cost_center", "cost-center", "costCenter"])
def test_a_cost_center_counts_in_any_spelling(label):
    """Teams spell labels differently."""
    text = CLEAN.replace("owner:", f"{label}: c-1, owner:").replace("snowflake", "openai")
    assert list_places("KT315", run_policy_rules(text, complete=False)) == []
