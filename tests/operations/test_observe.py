"""What the service shows, with few requests."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.observe import check_organization, list_live_objects, read_live_objects
from making import connection, held, wanted

PG = connection("prod-pg")


def seeded(office, count=3):
    """Put connections into the service."""
    config = {"host": "h", "port": 1, "database": "d"}
    each = [{"name": f"pg-{number}", "type": "postgres", "config": config} for number in range(count)]
    office.service.seed_objects(connections=each)


def asked(office, call):
    """Return what a call gives, and how many requests it made."""
    before = len(office.service.list_requests())
    return call(), len(office.service.list_requests()) - before


def test_another_organization(run):
    """Both are named."""
    check_organization(run.service, run.workspace.organization)
    with pytest.raises(DiagnosticError) as caught:
        check_organization(run.service, "org_other")
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT520"
    assert run.workspace.organization in finding.message


def test_a_census_is_two_lists(office, run):
    """However many objects there are on a page."""
    seeded(office, 20)
    listed, requests = asked(office, lambda: list_live_objects(run.service))
    assert len(listed) == 20
    assert requests == 2


def test_what_is_doubted_is_asked_for_where_no_list_shows_it(office, run):
    """A list may lag, or be filtered: an object that is there is found by its id, one that is gone is not."""
    config = {"engine": "postgresql", "host": "db.example.com", "username": "svc"}
    made = [{"name": name, "type": "database", "config": config} for name in ("shown", "hidden")]
    shown, hidden = office.service.seed_objects(credentials=made)["credentials"]
    office.service.change_settings(hidden=["hidden"], hidden_get=200)
    asked_for = [("credential", shown), ("credential", hidden), ("credential", "gone")]
    assert [each.id for each in list_live_objects(run.service, asked_for)] == [shown, hidden]


def test_only_what_matters_is_read_in_full(office, run):
    """What is ours and moved; what is ours and did not comes from the state; the rest is left."""
    seeded(office)
    listed = list_live_objects(run.service)
    ours = {each.address: each for each in listed if each.address.name != "pg-2"}
    entries = {
        address: held(
            wanted(address), live.id, updated_at=live.updated_at if address.name == "pg-0" else "before"
        )
        for address, live in ours.items()
    }
    desired = [wanted(address) for address in entries]
    live, requests = asked(office, lambda: read_live_objects(run.service, listed, desired, entries))
    assert requests == 1
    named = {each.address.name: each for each in live.values()}
    assert named["pg-0"].fields["config", "host"] == "db.example.com"
    assert named["pg-1"].fields["config", "host"] == "h"
    assert not named["pg-2"].has_config


def test_a_list_that_lags_behind_our_own_write_makes_nobody_suspect(office, canary):
    """Once written again, a credential stands in the list as it was; on its own it is shown as it is."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    office.service.set_clock(advance=60)
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    office.service.change_settings(list_lag_seconds=10.0)
    before = len(office.service.list_requests())
    done = office.here("plan", "--detailed-exitcode")
    assert (done.code, "KT464" in done.stdout + done.stderr) == (0, False)
    assert len(office.service.list_requests()) - before == 4


def test_absence_from_a_list_is_no_proof(office, run):
    """What the state knows and no list shows is asked for by its id."""
    known = held(wanted(PG), "con_nobody")
    live, requests = asked(office, lambda: read_live_objects(run.service, [], [], {PG: known}))
    assert (live, requests) == ({}, 1)


def test_who_we_are_is_asked_beside_the_lists(office, run):
    """In the time of one request, and the wrong organization is refused before anything is compared."""
    organization = run.workspace.organization
    listed, requests = asked(office, lambda: list_live_objects(run.service, (), organization))
    assert (listed, requests) == ((), 3)
    with pytest.raises(DiagnosticError) as caught:
        list_live_objects(run.service, (), "org_other")
    assert [each.code for each in caught.value.diagnostics] == ["KT520"]
