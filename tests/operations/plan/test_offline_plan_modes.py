"""Offline plans against a base and a state, and the access review of an online plan."""

import pytest

from driving_git import commit
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.offline_plan import add_access_review, plan_against_base, plan_against_state
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.project.project import read_project


@pytest.fixture
def sides(office):
    """Return the project and its workspace."""
    project = read_project(office.repo.root)
    return project, project.find_workspace("prod")


def actions(plan):
    """Return action and name of each change of a plan."""
    return [(each.action.value, each.address.name) for each in plan.changes]


def test_a_plan_against_a_base(office, canary, sides):
    """A new manifest is created; no request is sent."""
    office.repo.credential("prod-db", {"password": canary()})
    commit(office)
    office.repo.credential("prod-other", {"password": canary()})
    before = len(office.service.list_requests())
    plan = plan_against_base(*sides, PlanOptions(), office.repo.environment(), "HEAD")
    assert actions(plan) == [("create", "prod-other")]
    assert plan.offline
    assert len(office.service.list_requests()) == before


def test_a_base_needs_git(office, sides):
    """KT007."""
    with pytest.raises(DiagnosticError) as caught:
        plan_against_base(*sides, PlanOptions(), office.repo.environment())
    assert "KT007" in {each.code for each in caught.value.diagnostics}


def test_a_plan_against_an_exported_state(office, canary, sides):
    """A state entry without a manifest is retired."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.credential("prod-other", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    office.repo.remove("prod-other")
    plan = plan_against_state(*sides, PlanOptions(), office.repo.root / ".keyturn/prod/state.json")
    assert actions(plan) == [("retire", "prod-other")]


def test_the_access_review_of_an_online_plan(office, begin, canary):
    """An unknown revision is refused; without git nothing is added."""
    office.repo.credential("prod-db", {"password": canary()})
    run = begin()
    planned = plan_workspace(run, PlanOptions())
    assert add_access_review(run, planned).plan == planned.plan
    with pytest.raises(DiagnosticError) as caught:
        add_access_review(run, planned, "no-such-revision")
    assert caught.value.diagnostics[0].code == "KT007"
