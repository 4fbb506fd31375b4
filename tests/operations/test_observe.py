"""Reading the live objects with few requests."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.observe import check_organization, list_live_objects, read_live_objects
from sample_resources import connection_address, credential_address, make_desired, make_state_entry

PG = connection_address("prod-pg")


def seed(setup, count=3):
    """Create connections in the service."""
    config = {"host": "h", "port": 1, "database": "d"}
    each = [{"name": f"pg-{number}", "type": "postgres", "config": config} for number in range(count)]
    setup.service.seed_objects(connections=each)


def count_requests(setup, call):
    """Return the result of a call and its number of requests."""
    before = len(setup.service.list_requests())
    return call(), len(setup.service.list_requests()) - before


def test_another_organization_is_rejected(run):
    """The message names both."""
    check_organization(run.service, run.workspace.organization)
    with pytest.raises(DiagnosticError) as caught:
        check_organization(run.service, "org_other")
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT520"
    assert run.workspace.organization in finding.message


def test_an_unusable_row_with_the_name_of_a_managed_object_is_an_error(setup, run):
    """A plan would create the object again; rows with other names are left out."""
    odd = {"id": "../connections/x", "name": "prod-pg", "type": "postgres", "config": {}}
    setup.service.seed_objects(connections=[odd, {**odd, "id": "a b", "name": "elsewhere"}])
    assert list_live_objects(run.service) == ()
    others = [make_desired(connection_address("other")), make_desired(credential_address("elsewhere"))]
    assert read_live_objects(run.service, (), others, {}) == {}
    with pytest.raises(DiagnosticError) as caught:
        read_live_objects(run.service, (), [make_desired(PG), *others], {})
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT521"
    assert " of connections cannot be used: the ID of an object" in finding.message
    assert "connection/prod-pg" in finding.message


def test_listing_needs_two_requests(setup, run):
    """However many objects fit on a page."""
    seed(setup, 20)
    listed, requests = count_requests(setup, lambda: list_live_objects(run.service))
    assert len(listed) == 20
    assert requests == 2


def test_unlisted_uncertain_objects_are_read_by_id(setup, run):
    """A hidden object is found, a deleted one is not."""
    config = {"engine": "postgresql", "host": "db.example.com", "username": "svc"}
    made = [{"name": name, "type": "database", "config": config} for name in ("shown", "hidden")]
    shown, hidden = setup.service.seed_objects(credentials=made)["credentials"]
    setup.service.change_settings(hidden=["hidden"], hidden_get=200)
    asked_for = [("credential", shown), ("credential", hidden), ("credential", "gone")]
    assert [each.id for each in list_live_objects(run.service, asked_for)] == [shown, hidden]


def test_only_changed_managed_objects_are_read(setup, run):
    """Fields of unchanged objects come from the state; unmanaged objects are not read."""
    seed(setup)
    listed = list_live_objects(run.service)
    ours = {each.address: each for each in listed if each.address.name != "pg-2"}
    entries = {
        address: make_state_entry(
            make_desired(address), live.id, updated_at=live.updated_at if address.name == "pg-0" else "before"
        )
        for address, live in ours.items()
    }
    desired = [make_desired(address) for address in entries]
    live, requests = count_requests(setup, lambda: read_live_objects(run.service, listed, desired, entries))
    assert requests == 1
    named = {each.address.name: each for each in live.values()}
    assert named["pg-0"].fields["config", "host"] == "db.example.com"
    assert named["pg-1"].fields["config", "host"] == "h"
    assert not named["pg-2"].has_config


def test_a_lagging_list_raises_no_suspicion(setup, canary):
    """The list shows a rotated credential with its old time; the object itself shows the new one."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    setup.service.set_clock(advance=60)
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    setup.service.change_settings(list_lag_seconds=10.0)
    before = len(setup.service.list_requests())
    done = setup.run("plan", "--detailed-exitcode")
    assert (done.code, "KT464" in done.stdout + done.stderr) == (0, False)
    assert len(setup.service.list_requests()) - before == 4


def test_unlisted_managed_objects_are_read_by_id(setup, run):
    """Absence from a list is not proof of deletion."""
    known = make_state_entry(make_desired(PG), "con_nobody")
    live, requests = count_requests(setup, lambda: read_live_objects(run.service, [], [], {PG: known}))
    assert (live, requests) == ({}, 1)


def test_the_organization_is_checked_with_the_lists(setup, run):
    """In the same three parallel requests; another organization raises KT520."""
    organization = run.workspace.organization
    listed, requests = count_requests(setup, lambda: list_live_objects(run.service, (), organization))
    assert (listed, requests) == ((), 3)
    with pytest.raises(DiagnosticError) as caught:
        list_live_objects(run.service, (), "org_other")
    assert [each.code for each in caught.value.diagnostics] == ["KT520"]
