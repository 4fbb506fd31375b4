"""Connection tests."""

import pytest

from keyturn.model.change import Action, Change
from keyturn.operations.apply.connection_probe import ConnectionTest, find_dependents, run_connection_tests
from keyturn.operations.apply.writes import create_object
from making import connection, credential, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
WHERE = {"host": "db.example.com", "port": 5432, "database": "app"}


@pytest.fixture
def good(office, desk, canary):
    """Return a secret that the target takes, in a credential and a connection that were made."""
    secret = canary()
    target = {"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": [secret]}}
    office.service.set_targets([target])
    desired = wanted(DB, CONFIG, secrets={"password": secret})
    create_object(Change(action=Action.CREATE, address=DB, desired=desired), desk)
    create_object(Change(action=Action.CREATE, address=PG, desired=wanted(PG, WHERE, uses="prod-db")), desk)
    return secret


def test_dependents_are_found_with_their_settings(desk, good):
    """As they are live; a credential that nobody uses has none."""
    assert good
    change = Change(action=Action.ROTATE, address=DB)
    (trial,) = find_dependents(change, desk.ids[DB], desk)
    assert (trial.address, trial.id, trial.type) == (PG, desk.ids[PG], "postgres")
    assert trial.fields["config", "database"] == "app"
    assert find_dependents(change, "nobody", desk) == []


def test_a_test_says_yes_or_no(desk, good, canary):
    """With the credential itself, or with another one in its place."""
    assert good
    other = credential("prod-other")
    desired = wanted(other, CONFIG, secrets={"password": canary()})
    create_object(Change(action=Action.CREATE, address=other, desired=desired), desk)
    trials = find_dependents(Change(action=Action.ROTATE, address=DB), desk.ids[DB], desk)
    assert [each.passed for each in run_connection_tests(trials, desk)] == [True]
    (refused,) = run_connection_tests(trials, desk, {desk.ids[DB]: desk.ids[other]})
    assert not refused.passed
    assert refused.message


def test_only_an_explicit_yes_is_one(office, desk, good):
    """A service that answers without a verdict, or not at all, has not said yes."""
    assert good
    trials = find_dependents(Change(action=Action.ROTATE, address=DB), desk.ids[DB], desk)
    office.service.change_settings(test_reply="verdictless")
    (verdict,) = run_connection_tests(trials, desk)
    assert not verdict.passed
    assert "neither yes nor no" in verdict.message


def test_verdicts_are_sorted(desk, good):
    """By address, whoever ends first."""
    assert good
    fields = {("config", key): value for key, value in WHERE.items()}
    trials = [ConnectionTest(connection(name), name, "postgres", fields) for name in "cab"]
    assert [each.address.name for each in run_connection_tests(trials, desk)] == ["a", "b", "c"]


def test_nothing_is_sent_where_a_connection_was_moved(office, canary):
    """Somebody edits the host between plan and test: the new secret does not go there."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.here("apply", "--yes").code == 0
    office.service.edit_in_ui("connections", "prod-pg", config={"proxy": "evil.example.com"})
    office.repo.credential("prod-db", {"password": canary()})
    tests = len([each for each in office.service.list_requests() if each["path"].endswith("/test")])
    writes = office.writes()
    done = office.here("apply", "--yes")
    assert done.code == 5
    assert "config.proxy of connection/prod-pg" in " ".join(done.stderr.split())
    agreed = office.here("apply", "--yes", "--allow-destination-change", "prod-db")
    assert agreed.code == 1
    assert "config.proxy is not as it was applied" in " ".join((agreed.stdout + agreed.stderr).split())
    assert len([each for each in office.service.list_requests() if each["path"].endswith("/test")]) == tests
    assert office.writes() > writes


THERE = "moved.example.com"


def moving(office, strategy, secret, host, **more):
    """Write a credential and its connection for a host."""
    config = {"engine": "postgresql", "host": host, "port": 5432, "username": "svc"}
    office.repo.credential("prod-db", {"password": secret}, config, rotation={"strategy": strategy})
    office.repo.connection("prod-pg", "prod-db", {"host": host, "port": 5432, "database": "app", **more})


def right(office, places):
    """Let each host know one password."""
    targets = [
        {"type": "postgres", "match": {"host": host}, "accepts": {"password": [secret]}}
        for host, secret in places.items()
    ]
    office.service.set_targets(targets)


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
def test_a_new_secret_is_tried_where_it_will_be_used(office, canary, strategy):
    """Credential and connection move in one commit: the old place never sees the new secret."""
    old, new = canary(), canary()
    right(office, {"db.example.com": old, THERE: new})
    moving(office, strategy, old, "db.example.com")
    assert office.here("apply", "--yes").code == 0
    moving(office, strategy, new, THERE)
    done = office.here("apply", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    tried = [each for each in office.service.list_pairings("s") if each["holder"] == "test"]
    places = {each["secret"]: set() for each in tried}
    for each in tried:
        places[each["secret"]].add(each["destination"]["host"])
    assert sorted(map(sorted, places.values())) == [["db.example.com"], [THERE]]


def test_a_new_place_that_refuses_the_secret_changes_nothing(office, canary):
    """Under verify, the place to which all of it would move is asked first."""
    old = canary()
    right(office, {"db.example.com": old, THERE: canary()})
    moving(office, "verify", old, "db.example.com")
    assert office.here("apply", "--yes").code == 0
    before = (office.live(), office.live("connections"))
    moving(office, "verify", canary(), THERE)
    done = office.here("apply", "--yes")
    assert done.code == 1
    assert "nothing that runs was touched" in " ".join((done.stdout + done.stderr).split())
    assert (office.live(), office.live("connections")) == before


def test_a_place_that_git_does_not_state_is_not_tried(office, canary):
    """Somebody adds a proxy in the UI: that the connection is written anyway does not approve it."""
    old, new = canary(), canary()
    moving(office, "verify", old, "db.example.com")
    assert office.here("apply", "--yes").code == 0
    office.service.edit_in_ui("connections", "prod-pg", config={"proxy": "evil.example.com"})
    moving(office, "verify", new, THERE)
    done = office.here("apply", "--yes", "--allow-destination-change", "prod-db")
    assert done.code == 1
    assert "config.proxy is not as it was applied" in " ".join((done.stdout + done.stderr).split())
    assert all(
        "proxy" not in each["destination"]
        for each in office.service.list_pairings("s")
        if each["holder"] == "test"
    )


def test_what_is_still_to_be_made_is_left_out_of_the_test(office, canary):
    """The connection will refer to a credential that has no id yet: it is tried without, then written."""
    config = {"engine": "snowflake", "host": "x.snowflakecomputing.com", "username": "svc"}
    place = {"account": "x", "warehouse": "W", "database": "D"}
    office.repo.credential("prod-db", {"password": canary()}, config)
    office.repo.connection("prod-snow", "prod-db", place, type="snowflake")
    assert office.here("apply", "--yes").code == 0
    office.repo.credential("prod-db", {"password": canary()}, config)
    office.repo.credential("prod-stage", {"password": canary()}, config)
    staging = {"credentialId": {"ref": "credential/prod-stage"}, "bucket": "landing"}
    office.repo.connection("prod-snow", "prod-db", {**place, "staging": staging}, type="snowflake")
    done = office.here("apply", "--yes", "--allow-destination-change", "prod-stage")
    assert done.code == 0, done.stdout + done.stderr
    staged = office.live("connections")["prod-snow"]["config"]["staging"]["credentialId"]
    assert staged == office.live()["prod-stage"]["id"]
