"""The pipeline."""

import pytest
from msgspec.structs import replace

from keyturn.core.change import Action
from keyturn.core.inputs import Consents
from keyturn.engine.planning import REQUESTS, Wish, doubt, inputs, plan
from making import credential, held, shown, wanted

DB = credential("prod-db")


def changes(run, wish=None):
    """Return what a plan would do, by name."""
    return {each.address.name: each.action for each in plan(run, wish or Wish()).plan.changes}


def test_a_plan_writes_nothing(office, begin, canary):
    """Neither to the service nor to the ledger."""
    office.repo.credential("prod-db", {"password": canary()})
    assert changes(begin()) == {"prod-db": Action.CREATE}
    assert office.writes() == 0
    assert not (office.repo.root / ".keyturn/prod").exists()


def test_the_same_input_gives_the_same_plan(office, begin, canary):
    """Whatever the order in which files are found."""
    for name in ("prod-b", "prod-a"):
        office.repo.credential(name, {"password": canary()})
    assert plan(begin(), Wish()).plan == plan(begin(), Wish()).plan


def test_an_object_of_that_name_is_taken_over_only_with_consent(office, begin, canary):
    """Without it, the plan is blocked."""
    office.repo.credential("prod-db", {"password": canary()})
    office.service.seed_objects(
        credentials=[{"name": "prod-db", "type": "database", "config": {"host": "h"}}]
    )
    assert [each.code for each in plan(begin(), Wish()).plan.blocked] == ["KT457"]
    agreed = Wish(consents=Consents(adopt=frozenset({"prod-db"})))
    assert plan(begin(), agreed).plan.blocked == ()


def test_targets_narrow_the_view(office, begin, canary):
    """And take along what they refer to."""
    for name in ("prod-a", "prod-b"):
        office.repo.credential(name, {"password": canary()})
    office.repo.connection("prod-pg", "prod-a")
    assert set(changes(begin(), Wish(targets=("connection/prod-pg",)))) == {"prod-pg", "prod-a"}


def test_secrets_are_written_again_on_request(office, begin, canary):
    """Although nothing differs."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    assert changes(begin()) == {}
    assert list(changes(begin(), Wish(reassert=frozenset({"prod-db"})))) == ["prod-db"]


def test_oauth_needs_a_person(office, begin, canary):
    """A note, and the plan is not blocked by it."""
    office.repo.credential(
        "prod-crm",
        {"client_secret": canary()},
        {"client_id": "x", "authorization_url": "https://a.example/a", "token_url": "https://a.example/t"},
        type="oauth",
    )
    found = plan(begin(), Wish()).plan
    assert "KT465" in {each.code for each in found.findings}
    assert "KT465" not in {each.code for each in found.blocked}


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
    assert "KT465" not in {each.code for each in plan(begin(), Wish()).plan.findings}
    write("y")
    found = plan(begin(), Wish()).plan
    assert [change.action for change in found.changes] == [Action.UPDATE]
    assert "KT465" in {each.code for each in found.findings}


def test_doubt_forgets_what_was_written():
    """Only of those that are named."""
    known = held(wanted(DB), "id1", {"password": "x"})
    sides = inputs([wanted(DB)], {DB: known}, {"id1": shown(known)})
    assert doubt(sides, frozenset({"prod-db"})).known[DB].fingerprints == {}
    assert doubt(sides, frozenset({"other"})).known[DB] == known
    assert doubt(sides, frozenset()) is sides


@pytest.mark.parametrize("action", [each for each in Action if each not in {Action.NOTE, Action.FORGET}])
def test_every_write_costs_requests(action):
    """What asks the service for something is counted."""
    assert REQUESTS[action] > 1


def test_a_plan_knows_the_pace_of_its_workspace(office, begin, canary):
    """What it costs is told in time too."""
    office.repo.credential("prod-db", {"password": canary()})
    run = begin()
    paced = replace(run, workspace=replace(run.workspace, pace=8.0))
    assert plan(run, Wish()).plan.pace == 0
    assert plan(paced, Wish()).plan.pace == 8
