"""Connection tests during an apply."""

import pytest

from keyturn.model.change import Action, Change
from keyturn.operations.apply.connection_tests import ConnectionTest, find_dependents, run_connection_tests
from keyturn.operations.apply.writes import create_object
from sample_resources import connection_address, credential_address, make_desired

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
WHERE = {"host": "db.example.com", "port": 5432, "database": "app"}


@pytest.fixture
def good(setup, context, canary):
    """Return a secret that the target takes, in a credential and a connection that were made."""
    secret = canary()
    target = {"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": [secret]}}
    setup.service.set_targets([target])
    desired = make_desired(DB, CONFIG, secrets={"password": secret})
    create_object(Change(action=Action.CREATE, address=DB, desired=desired), context)
    create_object(
        Change(action=Action.CREATE, address=PG, desired=make_desired(PG, WHERE, uses="prod-db")), context
    )
    return secret


def test_find_dependents_returns_live_settings(context, good):
    """A credential without users has no dependents."""
    assert good
    change = Change(action=Action.ROTATE, address=DB)
    (connection_test,) = find_dependents(change, context.ids[DB], context)
    assert (connection_test.address, connection_test.id, connection_test.type) == (
        PG,
        context.ids[PG],
        "postgres",
    )
    assert connection_test.fields["config", "database"] == "app"
    assert find_dependents(change, "cred_missing", context) == []


def test_verdict_with_the_credential_or_a_substitute(context, good, canary):
    """The test passes with the credential and fails with a substitute."""
    assert good
    other = credential_address("prod-other")
    desired = make_desired(other, CONFIG, secrets={"password": canary()})
    create_object(Change(action=Action.CREATE, address=other, desired=desired), context)
    connection_tests = find_dependents(Change(action=Action.ROTATE, address=DB), context.ids[DB], context)
    assert [each.passed for each in run_connection_tests(connection_tests, context)] == [True]
    (refused,) = run_connection_tests(connection_tests, context, {context.ids[DB]: context.ids[other]})
    assert not refused.passed
    assert refused.message


def test_a_response_without_verdict_does_not_pass(setup, context, good):
    """The response must say explicitly that the test passed."""
    assert good
    connection_tests = find_dependents(Change(action=Action.ROTATE, address=DB), context.ids[DB], context)
    setup.service.change_settings(test_reply="verdictless")
    (verdict,) = run_connection_tests(connection_tests, context)
    assert not verdict.passed
    assert "does not say whether" in verdict.message


def test_verdicts_are_sorted(context, good):
    """By address, whatever the order of completion."""
    assert good
    fields = {("config", key): value for key, value in WHERE.items()}
    connection_tests = [
        ConnectionTest(address=connection_address(name), id=name, type="postgres", fields=fields)
        for name in "cab"
    ]
    assert [each.address.name for each in run_connection_tests(connection_tests, context)] == ["a", "b", "c"]


def test_no_secret_is_sent_to_an_edited_destination(setup, canary):
    """A proxy added in the UI receives neither a test nor the new secret."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.run("apply", "--yes").code == 0
    setup.service.edit_in_ui("connections", "prod-pg", config={"proxy": "evil.example.com"})
    setup.repo.credential("prod-db", {"password": canary()})
    tests = len([each for each in setup.service.list_requests() if each["path"].endswith("/test")])
    writes = setup.count_writes()
    done = setup.run("apply", "--yes")
    assert done.code == 5
    assert "config.proxy of connection/prod-pg" in " ".join(done.stderr.split())
    agreed = setup.run("apply", "--yes", "--allow-destination-change", "prod-db")
    assert agreed.code == 1
    assert "config.proxy differs from the last apply" in " ".join((agreed.stdout + agreed.stderr).split())
    assert len([each for each in setup.service.list_requests() if each["path"].endswith("/test")]) == tests
    assert setup.count_writes() > writes


THERE = "moved.example.com"


def moving(setup, strategy, secret, host, **more):
    """Write a credential and its connection for a host."""
    config = {"engine": "postgresql", "host": host, "port": 5432, "username": "svc"}
    setup.repo.credential("prod-db", {"password": secret}, config, rotation={"strategy": strategy})
    setup.repo.connection("prod-pg", "prod-db", {"host": host, "port": 5432, "database": "app", **more})


def right(setup, places):
    """Let each host know one password."""
    targets = [
        {"type": "postgres", "match": {"host": host}, "accepts": {"password": [secret]}}
        for host, secret in places.items()
    ]
    setup.service.set_targets(targets)


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
def test_a_new_secret_is_tested_at_the_new_destination(setup, canary, strategy):
    """Secret and host change in one approved commit: the old host never receives the new secret."""
    old, new = canary(), canary()
    right(setup, {"db.example.com": old, THERE: new})
    moving(setup, strategy, old, "db.example.com")
    assert setup.run("apply", "--yes").code == 0
    moving(setup, strategy, new, THERE)
    assert setup.run("apply", "--yes").code == 5
    done = setup.run("apply", "--yes", "--allow-destination-change", "prod-db")
    assert done.code == 0, done.stdout + done.stderr
    tried = [each for each in setup.service.list_pairings("s") if each["holder"] == "test"]
    places = {each["secret"]: set() for each in tried}
    for each in tried:
        places[each["secret"]].add(each["destination"]["host"])
    assert sorted(map(sorted, places.values())) == [["db.example.com"], [THERE]]


def test_a_refusal_at_the_new_destination_changes_nothing(setup, canary):
    """With `verify`, the new destination is tested before any write."""
    old = canary()
    right(setup, {"db.example.com": old, THERE: canary()})
    moving(setup, "verify", old, "db.example.com")
    assert setup.run("apply", "--yes").code == 0
    before = (setup.live(), setup.live("connections"))
    moving(setup, "verify", canary(), THERE)
    done = setup.run("apply", "--yes", "--allow-destination-change", "prod-db")
    assert done.code == 1
    assert "nothing in use was changed" in " ".join((done.stdout + done.stderr).split())
    assert (setup.live(), setup.live("connections")) == before


def test_an_unmanaged_destination_is_not_tested(setup, canary):
    """A planned write of the connection does not approve a proxy that was added in the UI."""
    old, new = canary(), canary()
    moving(setup, "verify", old, "db.example.com")
    assert setup.run("apply", "--yes").code == 0
    setup.service.edit_in_ui("connections", "prod-pg", config={"proxy": "evil.example.com"})
    moving(setup, "verify", new, THERE)
    done = setup.run("apply", "--yes", "--allow-destination-change", "prod-db")
    assert done.code == 1
    assert "config.proxy differs from the last apply" in " ".join((done.stdout + done.stderr).split())
    assert all(
        "proxy" not in each["destination"]
        for each in setup.service.list_pairings("s")
        if each["holder"] == "test"
    )


def test_a_reference_to_a_new_object_is_left_out(setup, canary):
    """The new credential has no ID at the time of the test."""
    config = {"engine": "snowflake", "host": "x.snowflakecomputing.com", "username": "svc"}
    place = {"account": "x", "warehouse": "W", "database": "D"}
    setup.repo.credential("prod-db", {"password": canary()}, config)
    setup.repo.connection("prod-snow", "prod-db", place, type="snowflake")
    assert setup.run("apply", "--yes").code == 0
    setup.repo.credential("prod-db", {"password": canary()}, config)
    setup.repo.credential("prod-stage", {"password": canary()}, config)
    staging = {"credentialId": {"ref": "credential/prod-stage"}, "bucket": "landing"}
    setup.repo.connection("prod-snow", "prod-db", {**place, "staging": staging}, type="snowflake")
    allowed = ("--allow-destination-change", "prod-db", "--allow-destination-change", "prod-stage")
    done = setup.run("apply", "--yes", *allowed)
    assert done.code == 0, done.stdout + done.stderr
    staged = setup.live("connections")["prod-snow"]["config"]["staging"]["credentialId"]
    assert staged == setup.live()["prod-stage"]["id"]
