"""keyturn apply."""

import json

import pytest
from jsonschema import Draft202012Validator

from sources import ROOT


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential that was not applied."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


def test_it_asks_and_applies(ready):
    """The plan and the end on the one stream, the question on the other."""
    done = ready.run("apply", stdin="y\n", ttys=["stdin"])
    assert done.code == 0
    assert "Plan: 1 to create" in done.stdout
    assert done.stdout.endswith("Apply: 1 done.\n")
    assert done.stderr.strip() == "Make these changes? [y/N]:"


def test_nothing_to_do_asks_nothing(ready):
    """No changes, no question, 0."""
    assert ready.run("apply", "--yes").code == 0
    done = ready.run("apply", ttys=["stdin"])
    assert (done.code, done.stderr) == (0, "")
    assert "No changes." in done.stdout


def test_json_is_one_value(ready):
    """The report alone, as its schema says."""
    done = ready.run("apply", "--yes", "--format", "json")
    tree = json.loads(done.stdout)
    Draft202012Validator(json.loads((ROOT / "schemas/report.schema.json").read_text())).validate(tree)
    assert [each["ending"] for each in tree["outcomes"]] == ["done"]


@pytest.mark.parametrize("place", ["before", "behind"])
def test_verbose(ready, place):
    """Phases, changes and requests on the error stream, wherever the flag stands."""
    done = ready.run(*(("-v", "apply") if place == "before" else ("apply", "-v")), "--yes")
    assert "create credential/prod-db: done" in done.stderr
    assert "requests: " in done.stderr
    assert "requests: " not in done.stdout


def test_a_digest_that_is_not_the_plans(ready):
    """The plan as it is now is shown beside the refusal, and standard output stays empty."""
    digest = json.loads(ready.run("plan", "--format", "json").stdout)["approval"]["digest"]
    done = ready.run("apply", "--approve", digest[:-4] + "aaaa")
    assert done.code == 4
    assert "Plan: 1 to create" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("digest", ["kt1-aaaaaaaaaaaaaaaaaaaaaaaaaa", "kt2-", "kt2-" + "a" * 37, "x"])
def test_a_digest_of_another_form(ready, digest):
    """Nothing is planned: no version of keyturn that reads it could have meant this plan."""
    done = ready.run("apply", "--approve", digest)
    assert done.code == 4
    assert "is not a digest of this version" in done.stderr
    assert ready.live() == {}


def test_a_plan_file_that_is_not_there(ready):
    """A typing mistake is a usage mistake."""
    assert ready.run("apply", "plna.kt").code == 64


@pytest.mark.parametrize(
    "flag", [("--target", "prod-db"), ("--allow-retire", "3"), ("--adopt", "*"), ("--no-test",)]
)
def test_a_plan_file_takes_no_further_wishes(ready, flag):
    """What was reviewed holds its own: a flag that would be passed over is a usage mistake."""
    assert ready.run("plan", "--out", "plan.kt").code == 0
    done = ready.run("apply", "plan.kt", *flag)
    assert done.code == 64
    assert "has its own targets, consents and --no-test" in " ".join(done.stderr.split())
    assert ready.live() == {}
    assert ready.run("apply", "plan.kt", "--approve", "kt2-x").code == 64
    assert ready.run("apply", "plan.kt").code == 0
