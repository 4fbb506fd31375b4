"""Policies of one's own: the examples over the plan's JSON, in the real jq and in a real Rego engine."""

import json
import subprocess

import pytest

from keyturn.views.plan.json import render_plan_json
from plans import CASES
from sources import ROOT

jq = pytest.importorskip("jq", reason="jq is not installed")
regopy = pytest.importorskip("regopy", reason="regopy is not installed")

POLICIES = ROOT / "examples" / "ci" / "policies"
JQ = (POLICIES / "review_required.jq").read_text("utf-8")
REGO = (POLICIES / "review_required.rego").read_text("utf-8")


def by_jq(plan):
    """Return what the jq example says of a plan."""
    return sorted(jq.compile(JQ).input_value(plan).all())


def by_rego(plan):
    """Return what the Rego example says of a plan."""
    engine = regopy.Interpreter()
    engine.add_module("review_required", REGO)
    engine.set_input(plan)
    (found,) = json.loads(str(engine.query("data.main.deny")))["expressions"]
    return sorted(found)


# What regopy answers is no JSON where a string holds control characters, as those of `hostile` do.
@pytest.mark.parametrize("name", sorted(CASES.keys() - {"hostile"}))
def test_both_say_the_same(name):
    """The two examples are one policy."""
    plan = json.loads(render_plan_json(CASES[name]))
    assert by_jq(plan) == by_rego(plan)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        (
            {"resource_changes": [{"address": "credential/a", "change": {"actions": ["create", "delete"]}}]},
            ["credential/a would be deleted"],
        ),
        (
            {"exposures": [{"address": "credential/a"}]},
            ["the secret of credential/a would be sent to a new destination"],
        ),
        (
            {"secrets": [{"address": "credential/a", "path": "password", "state": "suspect"}]},
            ["password of credential/a is suspect"],
        ),
    ],
)
def test_each_rule_finds_what_it_is_for(change, said):
    """One plan for each rule, and one that nobody minds."""
    plan = {"resource_changes": [], "exposures": [], "secrets": [], **change}
    assert by_jq(plan) == said
    assert by_rego(plan) == said


def test_the_command_of_the_page_works(tmp_path):
    """The jq program is a file that jq takes with -f, as its first lines say."""
    (tmp_path / "plan.json").write_text(render_plan_json(CASES[min(CASES)]))
    done = subprocess.run(
        ["jq", "-r", "-f", POLICIES / "review_required.jq", tmp_path / "plan.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
