"""The pipeline."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.operations.plan.plan import (
    REQUESTS_PER_ACTION,
    PlanOptions,
    forget_fingerprints,
    plan_workspace,
)
from keyturn.planning.inputs import Approvals
from making import credential, held, shown, sides, wanted

DB = credential("prod-db")


def changes(run, wish=None):
    """Return what a plan would do, by name."""
    return {
        each.address.name: each.action for each in plan_workspace(run, wish or PlanOptions()).plan.changes
    }


def test_a_plan_writes_nothing(office, begin, canary):
    """Neither to the service nor to the state."""
    office.repo.credential("prod-db", {"password": canary()})
    assert changes(begin()) == {"prod-db": Action.CREATE}
    assert office.writes() == 0
    assert not (office.repo.root / ".keyturn/prod").exists()


def test_the_same_input_gives_the_same_plan(office, begin, canary):
    """Whatever the order in which files are found."""
    for name in ("prod-b", "prod-a"):
        office.repo.credential(name, {"password": canary()})
    assert plan_workspace(begin(), PlanOptions()).plan == plan_workspace(begin(), PlanOptions()).plan


def test_an_object_of_that_name_is_taken_over_only_with_consent(office, begin, canary):
    """Without it, the plan is blocked."""
    office.repo.credential("prod-db", {"password": canary()})
    office.service.seed_objects(
        credentials=[{"name": "prod-db", "type": "database", "config": {"host": "h"}}]
    )
    assert [each.code for each in plan_workspace(begin(), PlanOptions()).plan.blocking_diagnostics] == [
        "KT457"
    ]
    agreed = PlanOptions(approvals=Approvals(adopt=frozenset({"prod-db"})))
    assert plan_workspace(begin(), agreed).plan.blocking_diagnostics == ()


def test_targets_narrow_the_view(office, begin, canary):
    """And take along what they refer to."""
    for name in ("prod-a", "prod-b"):
        office.repo.credential(name, {"password": canary()})
    office.repo.connection("prod-pg", "prod-a")
    assert set(changes(begin(), PlanOptions(targets=("connection/prod-pg",)))) == {"prod-pg", "prod-a"}


def test_secrets_are_written_again_on_request(office, begin, canary):
    """Although nothing differs."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    assert changes(begin()) == {}
    assert list(changes(begin(), PlanOptions(reassert=frozenset({"prod-db"})))) == ["prod-db"]


def test_oauth_needs_a_person(office, begin, canary):
    """A note, and the plan is not blocked by it."""
    office.repo.credential(
        "prod-crm",
        {"client_secret": canary()},
        {"client_id": "x", "authorization_url": "https://a.example/a", "token_url": "https://a.example/t"},
        type="oauth",
    )
    found = plan_workspace(begin(), PlanOptions()).plan
    assert "KT465" in {each.code for each in found.diagnostics}
    assert "KT465" not in {each.code for each in found.blocking_diagnostics}


def test_oauth_needs_a_person_when_its_settings_change(office, begin, canary):
    """The plan says so itself, in its findings; no view has a rule of its own."""
    secret = canary()

    def write(client):
        office.repo.credential(
            "prod-crm",
            {"client_secret": secret},
            {
                "client_id": client,
                "authorization_url": "https://a.example/a",
                "token_url": "https://a.example/t",
            },
            type="oauth",
        )

    write("x")
    assert office.here("apply", "--yes").code == 0
    assert "KT465" not in {each.code for each in plan_workspace(begin(), PlanOptions()).plan.diagnostics}
    write("y")
    found = plan_workspace(begin(), PlanOptions()).plan
    assert [change.action for change in found.changes] == [Action.UPDATE]
    assert "KT465" in {each.code for each in found.diagnostics}


def test_doubt_forgets_what_was_written():
    """Only of those that are named."""
    known = held(wanted(DB), "id1", {"password": "x"})
    inputs = sides(wanted(DB), known, shown(known))
    assert forget_fingerprints(inputs, frozenset({"prod-db"})).entries[DB].fingerprints == {}
    assert forget_fingerprints(inputs, frozenset({"other"})).entries[DB] == known
    assert forget_fingerprints(inputs, frozenset()) is inputs


@pytest.mark.parametrize("action", [each for each in Action if each not in {Action.NO_OP, Action.FORGET}])
def test_every_write_costs_requests(action):
    """What asks the service for something is counted."""
    assert REQUESTS_PER_ACTION[action] > 1


def test_a_plan_knows_the_pace_of_its_workspace(office, begin, canary):
    """What it costs is told in time too."""
    office.repo.credential("prod-db", {"password": canary()})
    run = begin()
    paced = replace(run, workspace=replace(run.workspace, pace=8.0))
    assert plan_workspace(run, PlanOptions()).plan.requests_per_second == 0
    assert plan_workspace(paced, PlanOptions()).plan.requests_per_second == 8
