"""How far a change reaches."""

import pytest

from keyturn.core.change import Action, Change
from keyturn.engine.impact import measure, strings
from keyturn.engine.observe import census
from making import connection, credential, held, wanted

DB, PG = credential("prod-db"), connection("prod-pg")


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ("a", ["a"]),
        ({"a": "b", "c": ["d", {"e": "f"}], "g": 1, "h": None}, ["b", "d", "f"]),
        (7, []),
        ([], []),
    ],
)
def test_ids_stand_anywhere(tree, expected):
    """However deep a vendor puts them."""
    assert list(strings(tree)) == expected


@pytest.fixture
def world(office, run):
    """Return the live objects by name: a credential, ours and a stranger's connection, a pipeline on it."""
    where = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}}
    (db,) = office.service.seed(credentials=[{"name": "prod-db", "type": "database", "config": {}}])[
        "credentials"
    ]
    ids = office.service.seed(
        connections=[{"name": name, **where, "credentialId": db} for name in ("prod-pg", "made-in-ui")]
    )["connections"]
    pipeline = {"id": "pl_1", "name": "nightly", "status": "active", "nodes": [{"connectionId": ids[0]}]}
    times = {"enabled": True, "next_run_at": "2026-01-02T03:00:00Z", "cron_expression": "0 3 * * *"}
    office.service.seed(pipelines=[pipeline], schedules=[{"id": "sch_1", "pipeline_id": "pl_1", **times}])
    return {each.address.name: each for each in census(run.service)}


def reach(run, world, action=Action.ROTATE):
    """Return how far a change of the credential reaches."""
    live = {each.id: each for each in world.values()}
    known = {each: held(wanted(each), world[each.name].id) for each in (DB, PG)}
    change = Change(action=action, address=DB, known=known[DB], live=world["prod-db"])
    return measure(run.service, (change,), live, known)


def test_users_in_git_and_in_the_ui_are_told_apart(run, world):
    """With pipelines and the next run."""
    found = reach(run, world)
    impact = found.impact[DB]
    assert (impact.connections, impact.pipelines) == (2, 1)
    assert impact.outsiders == ("connection/made-in-ui",)
    assert impact.insiders == ("connection/prod-pg",)
    assert "pipeline/nightly" in impact.work
    assert (impact.scheduled, impact.next_run) == (1, "2026-01-02T03:00:00Z")
    assert found.users[world["prod-db"].id] == ("connection/made-in-ui",)


def test_unknown_is_not_nought(office, run, world):
    """A key that may not see pipelines does not make them none."""
    office.service.admit(
        office.repo.key, scopes=["connections:read"], organization=office.service.organization
    )
    impact = reach(run, world).impact[DB]
    assert impact.pipelines is None
    assert impact.scheduled is None


def test_what_nobody_feels_is_not_asked_for(office, run, world):
    """Creating or adopting something asks the service nothing."""
    before = len(office.service.requests())
    found = reach(run, world, Action.ADOPT)
    assert (found.impact, found.users) == ({}, {})
    assert len(office.service.requests()) == before
