"""How old a secret may become, and how old it is."""

from datetime import timedelta

import pytest

from keyturn.policy.rules.rotation_age import resolve_max_age
from sample_policies import TODAY, list_places, make_settings, make_view, run_policy_rules

TEXT = """\
kind: credential
name: prod-db
type: database
labels: {environment: prod, system: db, owner: data}
config: {ssh_host: bastion.acme.com, known_hosts: x}
secrets:
  password: ENC
  ssh_private_key: ENC
rotation:
  max_age: 30d
"""
FILE = "manifests/credentials/prod-db.yaml"


def aged(**days):
    """Return when each secret changed, so many days ago; ``all`` stands for those not named."""
    return {FILE: {() if name == "all" else (name,): TODAY - timedelta(back) for name, back in days.items()}}


@pytest.mark.parametrize(
    ("days", "overdue", "soon"),
    [(0, [], []), (15, [], []), (16, [], ["6:1"]), (30, [], ["6:1"]), (31, ["6:1"], [])],
)
def test_age_is_exact_to_the_day(days, overdue, soon):
    """Due within the days of notice, then overdue, never both."""
    found = run_policy_rules(TEXT, rotated=aged(all=days), complete=False)
    assert list_places("KT320", found) == [f"prod-db:{place}" for place in overdue]
    assert list_places("KT321", found) == [f"prod-db:{place}" for place in soon]


def test_the_due_day_is_in_words():
    """Today and tomorrow."""
    said = [
        run_policy_rules(TEXT, rotated=aged(all=days), complete=False)[0].message for days in (20, 29, 30)
    ]
    assert said == [f"secrets is due for rotation {when}" for when in ("in 10 days", "tomorrow", "today")]


def test_each_secret_has_its_own_age():
    """Rotating the password does not renew the SSH key."""
    found = run_policy_rules(TEXT, rotated=aged(password=1, ssh_private_key=200), complete=False)
    assert list_places("KT320", found) == ["prod-db:8:3"]
    assert [finding.message for finding in found if finding.code == "KT320"] == [
        "secrets.ssh_private_key last changed 200 days ago; the maximum is 30"
    ]


def test_a_default_date_applies_to_other_secrets():
    """Git has dates of fields, the state one date."""
    found = run_policy_rules(TEXT, rotated=aged(all=200, password=1), complete=False)
    assert list_places("KT320", found) == ["prod-db:8:3"]


def test_the_settings_have_the_default_maximum_age():
    """For manifests without one."""
    text = TEXT[: TEXT.index("rotation:")]
    assert list_places("KT320", run_policy_rules(text, rotated=aged(all=90), complete=False)) == []
    assert list_places("KT320", run_policy_rules(text, rotated=aged(all=91), complete=False)) == [
        "prod-db:6:1"
    ]


def test_a_manifest_cannot_exceed_the_policy():
    """The violation is at its maximum age."""
    assert list_places("KT326", run_policy_rules(TEXT.replace("30d", "91d"), complete=False)) == [
        "prod-db:10:12"
    ]
    assert list_places("KT326", run_policy_rules(TEXT.replace("30d", "90d"), complete=False)) == []


def test_a_missing_maximum_age_is_reported_once():
    """For the project, not for each manifest."""
    text = TEXT[: TEXT.index("rotation:")]
    found = run_policy_rules(
        text, text.replace("prod-db", "prod-db-two"), policy=make_settings({}), complete=False
    )
    assert [str(one.origin) for one in found if one.code == "KT325"] == ["keyturn.yaml:1:1"]
    assert list_places("KT325", run_policy_rules(TEXT, policy=make_settings({}), complete=False)) == []


def test_a_shallow_history_is_reported():
    """Ages are unknown."""
    found = run_policy_rules(TEXT, shallow_history=True, complete=False)
    assert [str(one.origin) for one in found if one.code == "KT327"] == ["keyturn.yaml:1:1"]
    assert (
        list_places(
            "KT327", run_policy_rules(TEXT, shallow_history=True, rotated=aged(all=1), complete=False)
        )
        == []
    )
    assert list_places("KT327", run_policy_rules(TEXT, complete=False)) == []


def test_an_unreadable_history_is_reported():
    """With its cause, and if one of several secrets has no date."""
    known = {"history_error": "git could not be run", "rotated": aged(password=1), "complete": False}
    (found,) = [each for each in run_policy_rules(TEXT, **known) if each.code == "KT327"]
    assert found.message == "git could not be run, so the age of the secrets of 1 manifest is unknown"
    assert "git log" in found.hint


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ({}, 30),
        ({"KT320": "off", "KT321": "off"}, 30),
        (dict.fromkeys(("KT320", "KT321", "KT327"), "off"), 0),
    ],
)
def test_a_maximum_age_applies_if_a_rule_about_age_is_on(rules, days):
    """That of the manifest, or of the settings."""
    assert resolve_max_age(make_view(TEXT), make_settings({"rules": rules})) == days
    assert resolve_max_age(make_view(TEXT[: TEXT.index("rotation:")]), make_settings({"rules": rules})) == 0


def test_a_waiver_of_a_rule_about_age_is_not_unused():
    """It may apply later."""
    text = TEXT + "waive: [{rule: KT320, reason: the vendor issues one for good}]\n"
    assert list_places("KT320", run_policy_rules(text, rotated=aged(all=200))) == []
    assert list_places("KT302", run_policy_rules(text, rotated=aged(all=1))) == []
