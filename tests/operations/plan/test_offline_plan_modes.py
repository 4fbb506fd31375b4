"""Offline plans against a base and a state, and the access review of an online plan."""

import pytest

from git_history import commit_all
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.offline_plan import add_access_review, plan_against_base, plan_against_state
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.project.project import read_project


@pytest.fixture
def sides(setup):
    """Return the project and its workspace."""
    project = read_project(setup.repo.root)
    return project, project.find_workspace("prod")


def actions(plan):
    """Return action and name of each change of a plan."""
    return [(each.action.value, each.address.name) for each in plan.changes]


def test_a_plan_against_a_base(setup, canary, sides):
    """A new manifest is created; no request is sent."""
    setup.repo.credential("prod-db", {"password": canary()})
    commit_all(setup)
    setup.repo.credential("prod-other", {"password": canary()})
    before = len(setup.service.list_requests())
    plan = plan_against_base(*sides, PlanOptions(), setup.repo.environment(), "HEAD")
    assert actions(plan) == [("create", "prod-other")]
    assert plan.offline
    assert len(setup.service.list_requests()) == before


def test_a_base_needs_git(setup, sides):
    """KT007."""
    with pytest.raises(DiagnosticError) as caught:
        plan_against_base(*sides, PlanOptions(), setup.repo.environment())
    assert "KT007" in {each.code for each in caught.value.diagnostics}


def test_a_plan_against_an_exported_state(setup, canary, sides):
    """A state entry without a manifest is retired."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential("prod-other", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    setup.repo.remove("prod-other")
    plan = plan_against_state(*sides, PlanOptions(), setup.repo.root / ".keyturn/prod/state.json")
    assert actions(plan) == [("retire", "prod-other")]


def test_the_access_review_of_an_online_plan(setup, begin, canary):
    """An unknown revision is refused; without git nothing is added."""
    setup.repo.credential("prod-db", {"password": canary()})
    run = begin()
    planned = plan_workspace(run, PlanOptions())
    assert add_access_review(run, planned).plan == planned.plan
    with pytest.raises(DiagnosticError) as caught:
        add_access_review(run, planned, "no-such-revision")
    assert caught.value.diagnostics[0].code == "KT007"
