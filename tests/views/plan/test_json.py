"""The plan as JSON."""

import json
import re

import pytest
from hypothesis import given

from keyturn.model.change import Action, SecretStatus
from keyturn.views.json_output import diagnostic_to_json
from keyturn.views.plan.json import (
    TERRAFORM_ACTIONS,
    build_plan_document,
    render_gitlab_report,
    render_plan_json,
)
from published_schemas import parse_valid
from sample_plans import CASES, CREATE, DB, RENAME, RETIRE, hostile_texts, make_hostile_plan, make_plan


@pytest.mark.parametrize("case", CASES)
def test_golden(case, assert_golden):
    """Every case."""
    assert_golden(f"{case}.json", render_plan_json(CASES[case]))


@pytest.mark.parametrize("case", CASES)
def test_every_output_validates(case):
    """Against the published schema, without extra keys."""
    parse_valid("plan", render_plan_json(CASES[case]))


@given(hostile_texts())
def test_any_text_validates_and_is_harmless(said):
    """One ASCII document that fits the schema and contains no CI runner command."""
    text = render_plan_json(make_hostile_plan(said))
    parse_valid("plan", text)
    assert re.fullmatch(r"[\n\x20-\x7e]*", text)
    assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)


def test_text_is_read_back_unchanged():
    """A consumer reads the exact name."""
    said = "##[group]\u202e\x1b\x7f"
    assert json.loads(render_plan_json(make_plan(workspace=said)))["workspace"] == said


def test_queries_for_terraform_plans_work():
    """In jq, conftest and OPA."""
    document = json.loads(render_plan_json(CASES["everything"]))
    deleted = [
        each["address"] for each in document["resource_changes"] if "delete" in each["change"]["actions"]
    ]
    assert deleted == ["credential/prod-db-6", "credential/prod-old-4"]
    created = [
        each["address"] for each in document["resource_changes"] if each["change"]["actions"] == ["create"]
    ]
    assert created == ["connection/prod-pg-1", "credential/prod-db-0", "credential/prod-db-7"]
    replaced = [each["name"] for each in document["resource_changes"] if len(each["change"]["actions"]) == 2]
    assert replaced == ["prod-db-6"]
    assert {each["mode"] for each in document["resource_changes"]} == {"managed"}


def test_every_action_has_terraform_actions():
    """The table is complete."""
    assert set(TERRAFORM_ACTIONS) == set(Action)


def test_before_and_after_are_complete():
    """They include unchanged fields, as in Terraform."""
    (change,) = build_plan_document(CASES["update"])["resource_changes"]
    before, after = change["change"]["before"]["config"], change["change"]["after"]["config"]
    assert (before["port"], after["port"]) == (5433, 5432)
    assert before["host"] == after["host"] == "db.example.com"
    assert "warehouse" not in before


def test_a_new_object_has_no_before_and_a_retired_one_no_after():
    """As in Terraform's plan."""
    created, retired = build_plan_document(make_plan(CREATE, RETIRE))["resource_changes"]
    assert created["change"]["before"] is None
    assert retired["change"]["after"] is None
    assert retired["change"]["before"]["config"]["host"] == "db.example.com"


def test_secrets_are_marked_as_sensitive():
    """The marks name the fields; the document has nothing else of them."""
    (change,) = build_plan_document(CASES["rotate-verify"])["resource_changes"]
    names = {"password", "private_key", "passphrase", "ssh_key"}
    assert set(change["change"]["after_sensitive"]["secrets"]) == names | {"sas"}
    assert set(change["change"]["before_sensitive"]["secrets"]) == names | {"token"}
    assert "secrets" not in change["change"]["after"]


def test_a_possible_secret_is_null_and_marked():
    """A plain field with the name of a secret."""
    (change,) = build_plan_document(CASES["update"])["resource_changes"]
    field = next(each for each in change["fields"] if each["path"] == "config.api_token")
    assert (field["live"], field["wanted"], field["hidden"]) == (None, None, True)


def test_null_and_absent_differ():
    """An absent field is listed."""
    (change,) = build_plan_document(CASES["update"])["resource_changes"]
    dropped = next(each for each in change["fields"] if each["path"] == "config.schema")
    assert dropped["absent"] == ["wanted"]


def test_a_rename_names_the_previous_address():
    """Under Terraform's key."""
    (change,) = build_plan_document(make_plan(RENAME))["resource_changes"]
    assert change["previous_address"] == "credential/prod-database"
    assert change["change"]["actions"] == ["update"]


def test_an_adoption_is_an_import():
    """Under Terraform's key, with the ID."""
    (change,) = build_plan_document(CASES["adopt"])["resource_changes"]
    assert change["change"]["importing"] == {"id": "id_prod-db"}
    assert change["change"]["actions"] == ["no-op"]


def test_unknown_impact_is_null():
    """It is not 0."""
    assert build_plan_document(CASES["rename"])["impact"]["credential/prod-db"]["pipelines"] is None


def test_approval_has_the_digest():
    """The one that apply compares."""
    case = CASES["create"]
    assert build_plan_document(case)["approval"]["digest"] == case.approval_digest()


@pytest.mark.parametrize("case", ["exposure", "everything", "empty-offline"])
def test_a_plan_that_would_be_refused_has_no_digest(case):
    """There is nothing to approve; each error has its next step."""
    approval = build_plan_document(CASES[case])["approval"]
    assert approval["digest"] is None
    assert len(approval["next_steps"]) == len({each.hint for each in CASES[case].blocking_diagnostics} - {""})


@pytest.mark.parametrize(
    ("case", "able"), [("create", True), ("empty", False), ("exposure", False), ("empty-offline", False)]
)
def test_applyable(case, able):
    """False without changes, with errors, and offline."""
    assert build_plan_document(CASES[case])["applyable"] is able


def test_manual_steps_are_listed():
    """A pipeline can open a ticket from them."""
    assert build_plan_document(CASES["consent"])["manual_steps"] == [
        {"address": str(DB), "step": "authorize"}
    ]


def test_an_unknown_location_is_null():
    """Line 0 means no line."""
    case = CASES["retire"].diagnostics[0]
    assert diagnostic_to_json(case)["line"] == 4
    assert {SecretStatus(each["state"]) for each in build_plan_document(CASES["doubt"])["secrets"]} == {
        SecretStatus.SUSPECT
    }


@pytest.mark.parametrize(
    ("case", "report"),
    [
        ("empty", {"create": 0, "update": 0, "delete": 0}),
        ("replace", {"create": 1, "update": 1, "delete": 1}),
        ("everything", {"create": 4, "update": 5, "delete": 2}),
        ("adopt", {"create": 0, "update": 0, "delete": 0}),
    ],
)
def test_gitlab_report_counts_writes(case, report):
    """The three numbers of the merge request widget."""
    assert json.loads(render_gitlab_report(CASES[case])) == report


def test_pace_is_optional():
    """Without a limit, there is no number."""
    said = render_plan_json(make_plan(CREATE, requests_per_second=2.5))
    parse_valid("plan", said)
    assert json.loads(said)["approval"]["pace"] == 2.5
    assert "pace" not in json.loads(render_plan_json(make_plan(CREATE)))["approval"]
