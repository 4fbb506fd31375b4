"""The plan of a workspace."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.plan import (
    REQUESTS_PER_ACTION,
    PlanOptions,
    forget_fingerprints,
    plan_workspace,
)
from keyturn.planning.inputs import Approvals
from sample_resources import credential_address, make_desired, make_inputs, make_live_object, make_state_entry

DB = credential_address("prod-db")


def actions(run, options=None):
    """Return the planned action of each resource by name."""
    return {
        each.address.name: each.action for each in plan_workspace(run, options or PlanOptions()).plan.changes
    }


def test_a_plan_writes_nothing(setup, begin, canary):
    """Neither the service nor the state changes."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert actions(begin()) == {"prod-db": Action.CREATE}
    assert setup.count_writes() == 0
    assert not (setup.repo.root / ".keyturn/prod").exists()


def test_the_same_input_gives_the_same_plan(setup, begin, canary):
    """Independent of the order of the files."""
    for name in ("prod-b", "prod-a"):
        setup.repo.credential(name, {"password": canary()})
    assert plan_workspace(begin(), PlanOptions()).plan == plan_workspace(begin(), PlanOptions()).plan


def test_adoption_needs_approval(setup, begin, canary):
    """An unmanaged object with the name of a manifest blocks the plan."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.service.seed_objects(credentials=[{"name": "prod-db", "type": "database", "config": {"host": "h"}}])
    assert [each.code for each in plan_workspace(begin(), PlanOptions()).plan.blocking_diagnostics] == [
        "KT457"
    ]
    approved = PlanOptions(approvals=Approvals(adopt=frozenset({"prod-db"})))
    assert plan_workspace(begin(), approved).plan.blocking_diagnostics == ()


def test_an_unusable_row_of_another_object_is_a_warning(setup, begin, canary):
    """The plan goes on, with partial counts of users."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    setup.service.seed_objects(connections=[{"id": "conn_odd", "name": "", "type": "postgres", "config": {}}])
    plan = plan_workspace(begin(), PlanOptions()).plan
    assert [each.code for each in plan.diagnostics if "row" in each.message] == ["KT519"]
    assert plan.blocking_diagnostics == ()


def test_an_unusable_row_of_a_managed_object_is_an_error(setup, begin, canary):
    """The error names the resource."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.service.seed_objects(
        credentials=[{"id": "x/permanent", "name": "prod-db", "type": "database", "config": {}}]
    )
    with pytest.raises(DiagnosticError) as caught:
        plan_workspace(begin(), PlanOptions())
    assert "credential/prod-db" in caught.value.diagnostics[0].message
    assert setup.count_writes() == 0


def test_targets_include_their_references(setup, begin, canary):
    """A connection is planned with its credential."""
    for name in ("prod-a", "prod-b"):
        setup.repo.credential(name, {"password": canary()})
    setup.repo.connection("prod-pg", "prod-a")
    assert set(actions(begin(), PlanOptions(targets=("connection/prod-pg",)))) == {"prod-pg", "prod-a"}


def test_reassert_writes_secrets_again(setup, begin, canary):
    """Although nothing changed."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    assert actions(begin()) == {}
    assert list(actions(begin(), PlanOptions(reassert=frozenset({"prod-db"})))) == ["prod-db"]


def test_a_new_oauth_credential_needs_consent(setup, begin, canary):
    """The note does not block the plan."""
    setup.repo.credential(
        "prod-crm",
        {"client_secret": canary()},
        {"client_id": "x", "authorization_url": "https://a.example/a", "token_url": "https://a.example/t"},
        type="oauth",
    )
    found = plan_workspace(begin(), PlanOptions()).plan
    assert "KT465" in {each.code for each in found.diagnostics}
    assert "KT465" not in {each.code for each in found.blocking_diagnostics}


def test_a_changed_oauth_credential_needs_consent(setup, begin, canary):
    """The note is a diagnostic of the plan."""
    secret = canary()

    def write(client):
        setup.repo.credential(
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
    assert setup.run("apply", "--yes").code == 0
    assert "KT465" not in {each.code for each in plan_workspace(begin(), PlanOptions()).plan.diagnostics}
    write("y")
    found = plan_workspace(begin(), PlanOptions()).plan
    assert [change.action for change in found.changes] == [Action.UPDATE]
    assert "KT465" in {each.code for each in found.diagnostics}


def test_fingerprints_of_named_resources_are_forgotten():
    """Other entries do not change."""
    known = make_state_entry(make_desired(DB), "id1", {"password": "x"})
    inputs = make_inputs(make_desired(DB), known, make_live_object(known))
    assert forget_fingerprints(inputs, frozenset({"prod-db"})).entries[DB].fingerprints == {}
    assert forget_fingerprints(inputs, frozenset({"other"})).entries[DB] == known
    assert forget_fingerprints(inputs, frozenset()) is inputs


@pytest.mark.parametrize("action", [each for each in Action if each not in {Action.NO_OP, Action.FORGET}])
def test_every_write_costs_requests(action):
    """The estimate of each action with requests."""
    assert REQUESTS_PER_ACTION[action] > 1


def test_a_plan_has_the_request_rate_of_its_workspace(setup, begin, canary):
    """0 without a limit."""
    setup.repo.credential("prod-db", {"password": canary()})
    run = begin()
    paced = replace(run, workspace=replace(run.workspace, pace=8.0))
    assert plan_workspace(run, PlanOptions()).plan.requests_per_second == 0
    assert plan_workspace(paced, PlanOptions()).plan.requests_per_second == 8
