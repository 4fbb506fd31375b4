"""What is shown of a plan."""

import re
from dataclasses import replace

import pytest

from keyturn.core.diagnostic import Severity
from keyturn.core.plan import Impact
from keyturn.render.parts import Link, Part
from keyturn.render.view import attention, summary, view
from plans import CASES, CREATE, DB, FINDINGS, PG, REACH, RETIRE, UNAPPROVED, crowd, finding, plan

GRAMMAR = re.compile(
    r"^(Plan: \d+ to \w+(, \d+ to \w+){5,8}|No changes\. [^.]+)\.( (\d+) needs? attention\.)?$"
)

PLAN = "Plan: {} to create, {} to update, {} to rotate, {} to rename, {} to restore, {} to retire"


@pytest.mark.parametrize("case", CASES)
def test_the_summary_can_be_parsed(case):
    """Every plan's last line follows the grammar of the module."""
    assert GRAMMAR.match(summary(CASES[case]))


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("empty", "No changes. The workspace matches the manifests."),
        ("empty-offline", "No changes. The workspace was not read."),
        ("doubt", "No changes. What can be compared matches the manifests. 1 needs attention."),
        ("create", f"{PLAN.format(2, 0, 0, 0, 0, 0)}. 0 need attention."),
        ("replace", f"{PLAN.format(0, 1, 0, 0, 0, 0)}, 1 to replace. 0 need attention."),
        ("everything", f"{PLAN.format(2, 3, 1, 1, 1, 1)}, 1 to replace. 5 need attention."),
    ],
)
def test_the_summary_counts(case, line):
    """Six counts always, others where they are not nought."""
    assert summary(CASES[case]) == line


def test_attention_counts_a_resource_once():
    """An exposure and the finding that refuses it are one thing to look at."""
    case = CASES["exposure"]
    assert attention(case) == 2
    assert attention(replace(case, findings=(*case.findings, UNAPPROVED))) == 2


def test_attention_leaves_notes_out():
    """A note asks nobody for anything."""
    assert attention(plan(findings=FINDINGS)) == 2
    assert attention(plan(findings=(finding("KT313", Severity.NOTE, "n"),))) == 0


def test_sections_stand_in_the_order_of_risk():
    """Whatever the order of the changes."""
    parts = [section.part for section in view(CASES["everything"]).sections]
    assert parts == sorted(parts, key=list(Part).index)
    assert parts[:2] == [Part.EXPOSURE, Part.ACCESS]


def test_what_exposes_opens_or_destroys_is_repeated():
    """Exposures, access, retirements and replacements, in this order."""
    shown = view(CASES["everything"])
    assert [entry.symbol for entry in shown.repeated] == ["!", "!", "!", "-", "±"]


def test_the_same_plan_gives_the_same_view():
    """Nothing but the plan decides."""
    assert view(CASES["everything"]) == view(CASES["everything"])


def test_links_lead_from_what_is_used_to_what_uses_it():
    """References in git, users outside it, and the work that hangs on them."""
    shown = view(plan(CREATE, replace(RETIRE, address=DB), impact={DB: REACH}))
    assert Link("credential/prod-db", "connection/prod-pg") in shown.links
    assert Link("credential/prod-db", "connection/made-in-the-ui") in shown.links
    assert Link("credential/prod-db", "pipeline/nightly-load") in shown.links


def test_work_hangs_on_its_connection_where_that_is_known():
    """A pipeline is drawn once, from the nearest."""
    impact = {DB: REACH, PG: Impact(work=("pipeline/nightly-load",))}
    links = view(plan(CREATE, impact=impact)).links
    assert Link("connection/prod-pg", "pipeline/nightly-load") in links
    assert Link("credential/prod-db", "pipeline/nightly-load") not in links


def test_what_changes_is_marked():
    """By the word of its action, or as exposed."""
    marked = view(CASES["exposure"]).marked
    assert set(marked.values()) == {"exposed"}
    assert view(CASES["create"]).marked["credential/prod-db"] == "create"


def test_refusals_are_errors():
    """Only what an apply would refuse is counted."""
    assert view(CASES["findings"]).refusals == 1


def test_no_class_is_lost_in_a_crowd():
    """However many resources: every class is there."""
    few, many = view(CASES["everything"]), view(crowd(2_000))
    assert {section.part for section in many.sections} == {section.part for section in few.sections}


def test_a_retired_connection_still_hangs_on_its_credential():
    """What the ledger knows is drawn where no manifest is left."""
    known = replace(RETIRE.known, address=PG, applied={("credential",): DB})
    links = view(plan(replace(RETIRE, address=PG, known=known))).links
    assert links == (Link("credential/prod-db", "connection/prod-pg"),)
