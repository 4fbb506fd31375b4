"""The example policies for the JSON of a plan, in the real jq and a real Rego engine."""

import json
import subprocess

import pytest

from keyturn.views.plan.json import render_plan_json
from sample_plans import CASES
from sources import ROOT

jq = pytest.importorskip("jq", reason="jq is not installed")
regopy = pytest.importorskip("regopy", reason="regopy is not installed")

POLICIES = ROOT / "examples" / "ci" / "policies"
JQ = (POLICIES / "review_required.jq").read_text("utf-8")
REGO = (POLICIES / "review_required.rego").read_text("utf-8")


def run_jq(plan):
    """Return the messages of the jq example for a plan."""
    return sorted(jq.compile(JQ).input_value(plan).all())


def run_rego(plan):
    """Return the messages of the Rego example for a plan."""
    engine = regopy.Interpreter()
    engine.add_module("review_required", REGO)
    engine.set_input(plan)
    (messages,) = json.loads(str(engine.query("data.main.deny")))["expressions"]
    return sorted(messages)


# The output of regopy is invalid JSON for strings with control characters, which `hostile` has.
@pytest.mark.parametrize("name", sorted(CASES.keys() - {"hostile"}))
def test_both_policies_return_the_same_messages(name):
    """The two examples implement one policy."""
    plan = json.loads(render_plan_json(CASES[name]))
    assert run_jq(plan) == run_rego(plan)


@pytest.mark.parametrize(
    ("change", "messages"),
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
def test_each_rule_returns_its_message(change, messages):
    """A plan that breaks a rule has one message; an empty plan has none."""
    plan = {"resource_changes": [], "exposures": [], "secrets": [], **change}
    assert run_jq(plan) == messages
    assert run_rego(plan) == messages


def test_jq_runs_the_file(tmp_path):
    """The program works as a file with `jq -f`."""
    (tmp_path / "plan.json").write_text(render_plan_json(CASES[min(CASES)]))
    done = subprocess.run(
        ["jq", "-r", "-f", POLICIES / "review_required.jq", tmp_path / "plan.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
