"""Plans from git alone, and what git tells beside a plan."""

import pytest

from driving_git import commit
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.offline_plan import add_access_review, plan_against_base, plan_against_state
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.project.project import read_project


@pytest.fixture
def sides(office):
    """Return the project of an office and its workspace."""
    project = read_project(office.repo.root)
    return project, project.find_workspace("prod")


def told(made):
    """Return what a plan does to what."""
    return [(each.action.value, each.address.name) for each in made.changes]


def test_against_a_base(office, canary, sides):
    """What the tree has and the base had not is created; the service is not asked."""
    office.repo.credential("prod-db", {"password": canary()})
    commit(office)
    office.repo.credential("prod-other", {"password": canary()})
    before = len(office.service.list_requests())
    made = plan_against_base(*sides, PlanOptions(), office.repo.environment(), "HEAD")
    assert told(made) == [("create", "prod-other")]
    assert made.offline
    assert len(office.service.list_requests()) == before


def test_without_git_there_is_no_base(office, sides):
    """It is said, and how to get one."""
    with pytest.raises(DiagnosticError) as caught:
        plan_against_base(*sides, PlanOptions(), office.repo.environment())
    assert "KT007" in {each.code for each in caught.value.diagnostics}


def test_against_an_exported_state(office, canary, sides):
    """What the state holds and git does not want is retired."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.credential("prod-other", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    office.repo.remove("prod-other")
    made = plan_against_state(*sides, PlanOptions(), office.repo.root / ".keyturn/prod/state.json")
    assert told(made) == [("retire", "prod-other")]


def test_a_plan_with_what_git_tells(office, begin, canary):
    """A name that git does not know is refused; outside of git nothing is added."""
    office.repo.credential("prod-db", {"password": canary()})
    run = begin()
    planned = plan_workspace(run, PlanOptions())
    assert add_access_review(run, planned).plan == planned.plan
    with pytest.raises(DiagnosticError) as caught:
        add_access_review(run, planned, "no-such-revision")
    assert caught.value.diagnostics[0].code == "KT007"
