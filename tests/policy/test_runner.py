"""Run every rule that is on, apply levels and waivers, and sort what is found."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.policy.resource_view import Waiver
from keyturn.policy.rule import RuleContext
from keyturn.policy.rules import privilege
from keyturn.policy.runner import run_remaining_rules, run_rules, run_static_rules
from sample_policies import SETTINGS, TODAY, list_places, make_settings, make_view, run_policy_rules

BROKEN = """\
kind: connection
name: prod-x
type: postgres
labels: {environment: prod, system: x, owner: data}
config: {sslMode: disable, trustServerCertificate: true}
"""
CLEAN = BROKEN.replace("disable, trustServerCertificate: true", "verify-full")


def waived(*waivers):
    """Return the broken manifest with these waivers."""
    lines = "".join(f"  - {{rule: {rule}, reason: '{reason}'}}\n" for rule, reason in waivers)
    return f"{BROKEN}waive:\n{lines}"


def codes(found):
    """Return the codes found, in their order."""
    return [finding.code for finding in found]


def test_a_valid_manifest_has_no_diagnostics():
    """No rule reports anything."""
    assert run_policy_rules(CLEAN) == ()


def test_diagnostics_are_sorted_by_severity():
    """An error before a warning, regardless of the codes."""
    assert codes(run_policy_rules(BROKEN)) == ["KT350", "KT351"]
    swapped = make_settings({**SETTINGS, "rules": {"KT350": "note", "KT351": "error"}})
    assert codes(run_policy_rules(BROKEN, policy=swapped)) == ["KT351", "KT350"]


def test_the_default_hint_is_that_of_the_code():
    """Every diagnostic has a hint."""
    assert all(finding.hint for finding in run_policy_rules(BROKEN))
    assert run_policy_rules(BROKEN)[0].address == make_view(BROKEN).address


def test_a_rule_may_be_off_everywhere_or_below_a_path():
    """The rest of the project keeps it."""
    off = make_settings({**SETTINGS, "rules": {"KT350": "off"}})
    assert codes(run_policy_rules(BROKEN, policy=off)) == ["KT351"]
    below = make_settings({**SETTINGS, "rules": {"KT350": {"level": "off", "paths": ["legacy"]}}})
    moved = make_view(BROKEN, file="legacy/prod-x.yaml")
    assert codes(run_policy_rules(moved, policy=below)) == ["KT351"]
    assert codes(run_policy_rules(BROKEN, policy=below)) == ["KT350", "KT351"]


def test_a_waiver_with_a_reason_applies():
    """In this manifest only."""
    other = BROKEN.replace("prod-x", "prod-x-two")
    found = run_policy_rules(waived(("KT350", "isolated network, ticket 12")), other)
    assert list_places("KT350", found) == ["prod-x-two:5:19"]
    assert list_places("KT351", found) == ["prod-x-two:5:52", "prod-x:5:52"]


def test_a_manifest_without_findings_needs_no_catalog(monkeypatch):
    """The catalog is read only where a text of it is shown."""

    def refuse():
        pytest.fail("the catalog was read")

    monkeypatch.setattr("keyturn.catalog.load_catalog", refuse)
    monkeypatch.setattr("keyturn.policy.runner.load_catalog", refuse)
    assert run_policy_rules(waived(("KT350", "isolated network"), ("KT351", "isolated network"))) == ()


def test_a_waiver_without_a_reason_is_an_error():
    """It has no effect."""
    found = run_policy_rules(waived(("KT350", " ")))
    assert codes(found) == ["KT350", "KT300", "KT351"]
    assert list_places("KT300", found) == ["prod-x:7:12"]


def test_a_waiver_without_effect_is_a_note():
    """It would hide the next violation."""
    found = run_policy_rules(waived(("KT350", "why"), ("KT354", "why")))
    assert [(one.code, one.severity.name) for one in found if one.code == "KT302"] == [("KT302", "NOTE")]
    assert list_places("KT302", found) == ["prod-x:8:12"]


@pytest.mark.parametrize("code", ["KT320", "KT361", "KT389", "KT322"])
def test_a_waiver_is_not_unused_if_its_rule_had_no_data(code):
    """Without state or key."""
    assert list_places("KT302", run_policy_rules(waived((code, "why")))) == []


def test_a_waiver_is_not_unused_if_manifests_are_absent():
    """A hook on changed files does not read the other manifest."""
    text = waived(("KT312", "why"))
    assert list_places("KT302", run_policy_rules(text, complete=False)) == []
    assert list_places("KT302", run_policy_rules(text)) == ["prod-x:7:12"]


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("KT209", "KT209 cannot be waived", "fix the finding"),
        ("KT300", "KT300 cannot be waived", "fix the finding"),
        ("KT35O", "the waiver does not name a rule", "did you mean KT350?"),
        ("hunter22", "the waiver does not name a rule", "write the code of a rule, from KT310 to KT399"),
    ],
)
def test_integrity_errors_cannot_be_waived(code, message, hint):
    """An unknown code has the nearest one as hint."""
    found = [one for one in run_policy_rules(waived((code, "why"))) if one.code == "KT301"]
    assert [one.message for one in found] == [message]
    assert found[0].hint.startswith(hint)
    assert [str(one.origin).partition(":")[2] for one in found] == ["7:12"]


FLEET = [
    make_view(
        BROKEN.replace("prod-x", f"prod-x-{number}").replace("environment: prod", f"environment: {env}")
    )
    for number, env in enumerate(["prod", "staging", "lab", "prod", "qa"])
] + [
    make_view(
        f"kind: credential\nname: {env}-app\ntype: oauth\nlabels: {{environment: {env}}}\n"
        "config: {client_id: one}\nsecrets: {client_secret: ENC}\n"
    )
    for env in ("prod", "staging", "lab")
]
SAME = {(one.file, ("client_secret",)): "f" for one in FLEET if one.secret_paths}


@given(st.randoms(use_true_random=False))
def test_the_order_of_manifests_does_not_matter(dice: random.Random):
    """The same findings, in the same order."""
    shuffled = list(FLEET)
    dice.shuffle(shuffled)
    prints = list(SAME.items())
    dice.shuffle(prints)
    assert run_policy_rules(*shuffled, fingerprints=dict(prints)) == run_policy_rules(
        *FLEET, fingerprints=SAME
    )


def test_static_rules_run_before_decryption():
    """The remaining rules add their diagnostics and those of waivers."""
    alone, all_of_it = RuleContext(today=TODAY), RuleContext(today=TODAY, fingerprints=SAME)
    manifests = (*FLEET, make_view(waived(("KT350", "lab"), ("KT352", "none here"))))
    looked = run_static_rules(manifests, make_settings(), alone)
    whole = run_rules(manifests, make_settings(), all_of_it)
    assert run_remaining_rules(looked, make_settings(), all_of_it) == whole
    assert set(looked.diagnostics) < set(whole)
    later = {each.code for each in whole} - {each.code for each in looked.diagnostics}
    assert later == {"KT302", "KT361"}


def said_of(value):
    """Return all that is said of a connection whose fields hold ``value``."""
    fields = ("password", "note", "host", "role", "client_id", "sslMode", "username", "region", "baseUrl")
    config = {("config", name): value for name in fields}
    labels = {"environment": value, "system": value, "residency": "eu", "expires": value}
    found = run_policy_rules(
        make_view(BROKEN, config=config, labels=labels, waivers=(Waiver(value, value, ()),))
    )
    return " ".join(f"{finding.message} {finding.hint}" for finding in found)


@given(st.text(min_size=6))
def test_no_diagnostic_contains_a_value(value):
    """For any value of a field."""
    ours = value in said_of("\0") or value.lower() in privilege.PRIVILEGE_WORDS
    assert ours or value not in said_of(value)
