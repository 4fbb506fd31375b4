"""How old a secret may become, and how old it is."""

from datetime import timedelta

import pytest

from judging import TODAY, judged, places, settings, subject
from keyturn.policy.rules.rotation_age import resolve_max_age

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
def test_age_is_told_to_the_day(days, overdue, soon):
    """Due within the days of notice, then overdue, never both."""
    found = judged(TEXT, rotated=aged(all=days), complete=False)
    assert places("KT320", found) == [f"prod-db:{place}" for place in overdue]
    assert places("KT321", found) == [f"prod-db:{place}" for place in soon]


def test_the_day_is_said_in_words():
    """Nobody reads "in 0 days"."""
    said = [judged(TEXT, rotated=aged(all=days), complete=False)[0].message for days in (20, 29, 30)]
    assert said == [f"secrets is due for rotation {when}" for when in ("in 10 days", "tomorrow", "today")]


def test_each_secret_ages_by_itself():
    """Rotating the password does not make the SSH key any younger."""
    found = judged(TEXT, rotated=aged(password=1, ssh_private_key=200), complete=False)
    assert places("KT320", found) == ["prod-db:8:3"]
    assert [finding.message for finding in found if finding.code == "KT320"] == [
        "secrets.ssh_private_key last changed 200 days ago; the maximum is 30"
    ]


def test_a_date_for_the_rest_serves_those_that_are_not_named():
    """Git knows the fields it saw change, the state the whole."""
    found = judged(TEXT, rotated=aged(all=200, password=1), complete=False)
    assert places("KT320", found) == ["prod-db:8:3"]


def test_the_age_of_the_settings_holds_where_the_manifest_says_none():
    """90 days, from the settings."""
    text = TEXT[: TEXT.index("rotation:")]
    assert places("KT320", judged(text, rotated=aged(all=90), complete=False)) == []
    assert places("KT320", judged(text, rotated=aged(all=91), complete=False)) == ["prod-db:6:1"]


def test_a_manifest_may_not_allow_itself_more_than_policy():
    """A longer age is found where it is written."""
    assert places("KT326", judged(TEXT.replace("30d", "91d"), complete=False)) == ["prod-db:10:12"]
    assert places("KT326", judged(TEXT.replace("30d", "90d"), complete=False)) == []


def test_no_age_anywhere_is_said_once_for_the_project():
    """One line for the section, not one for each manifest."""
    text = TEXT[: TEXT.index("rotation:")]
    found = judged(text, text.replace("prod-db", "prod-db-two"), policy=settings({}), complete=False)
    assert [str(one.origin) for one in found if one.code == "KT325"] == ["keyturn.yaml:1:1"]
    assert places("KT325", judged(TEXT, policy=settings({}), complete=False)) == []


def test_a_shallow_history_is_said():
    """Silence would read like youth."""
    found = judged(TEXT, shallow_history=True, complete=False)
    assert [str(one.origin) for one in found if one.code == "KT327"] == ["keyturn.yaml:1:1"]
    assert places("KT327", judged(TEXT, shallow_history=True, rotated=aged(all=1), complete=False)) == []
    assert places("KT327", judged(TEXT, complete=False)) == []


def test_a_history_that_could_not_be_read_is_said():
    """With its cause, and where one secret of several is not dated."""
    known = {"history_error": "git could not be run", "rotated": aged(password=1), "complete": False}
    (found,) = [each for each in judged(TEXT, **known) if each.code == "KT327"]
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
def test_an_age_is_asked_where_a_rule_about_ages_is_on(rules, days):
    """Of the manifest, or of the settings."""
    assert resolve_max_age(subject(TEXT), settings({"rules": rules})) == days
    assert resolve_max_age(subject(TEXT[: TEXT.index("rotation:")]), settings({"rules": rules})) == 0


def test_a_waiver_for_a_day_to_come_is_none_too_many():
    """A secret that its vendor never changes is waived before it is old."""
    text = TEXT + "waive: [{rule: KT320, reason: the vendor issues one for good}]\n"
    assert places("KT320", judged(text, rotated=aged(all=200))) == []
    assert places("KT302", judged(text, rotated=aged(all=1))) == []
