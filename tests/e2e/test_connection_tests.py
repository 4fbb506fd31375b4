"""The command ``keyturn test``."""

import json
from xml.etree import ElementTree as ET

import pytest

from published_schemas import parse_valid

HOST = {"host": "db.example.com"}


def accept(setup, *passwords, **more):
    """Let the database know these passwords."""
    target = {"type": "postgres", "match": HOST, "accepts": {"password": list(passwords)}, **more}
    setup.service.set_targets([target])


@pytest.fixture
def applied(setup, canary):
    """Apply two connections that share a credential; return its password."""
    secret = canary()
    accept(setup, secret, server_version="PostgreSQL 16.2", latency_ms=17)
    setup.repo.credential("prod-db", {"password": secret})
    setup.repo.connection("prod-pg", "prod-db")
    setup.repo.connection("prod-pg-2", "prod-db", {**HOST, "port": 5432, "database": "other"})
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    return secret


def asked(setup):
    """Return the number of connection tests that the service received."""
    return sum(each["path"].endswith("/connections/test") for each in setup.service.list_requests())


@pytest.mark.usefixtures("applied")
def test_all_pass(setup):
    """The output has latency and version, and the exit code is 0."""
    done = setup.repo.run_in_process("test")
    assert done.code == 0, done.stderr
    assert "✓ connection/prod-pg  passed  17 ms  PostgreSQL 16.2" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Test: 2 passed, 0 failed")


@pytest.mark.usefixtures("applied")
def test_one_failed_login_stops_the_tests_of_a_credential(setup, canary):
    """The second connection of the same credential is not tried, and the output says so."""
    accept(setup, canary())
    before = asked(setup)
    done = setup.repo.run_in_process("test", "--format", "json")
    assert done.code == 1
    tests = {each["address"]: each for each in json.loads(done.stdout)["tests"]}
    assert tests["connection/prod-pg"]["reason"] == "authentication"
    assert tests["connection/prod-pg-2"]["result"] == "skipped"
    assert (
        "credential/prod-db failed to log in to connection/prod-pg"
        in tests["connection/prod-pg-2"]["message"]
    )
    assert asked(setup) == before + 1


@pytest.mark.usefixtures("applied")
def test_a_larger_failure_budget(setup, canary):
    """With a budget of two, both are tried."""
    accept(setup, canary())
    done = setup.repo.run_in_process("test", "--max-failures", "2")
    assert done.code == 1
    assert "2 failed, 0 unclear, 0 skipped" in done.stdout


def test_a_failure_before_the_login_uses_no_budget(setup, applied):
    """After a timeout at one host, the other host is tested."""
    accept(setup, applied, outcome="network")
    done = setup.repo.run_in_process("test")
    assert done.code == 1
    assert "2 failed" in done.stdout
    assert "network: connect timeout" in done.stdout


@pytest.mark.usefixtures("applied")
def test_a_connection_with_drift_is_not_tested(setup):
    """The secret is not sent to a host that was not approved."""
    setup.service.edit_in_ui("connections", "prod-pg", config={"host": "evil.example.com"})
    before = asked(setup)
    done = setup.repo.run_in_process("test", "prod-pg")
    assert done.code == 5, done.stdout + done.stderr
    assert "config.host differs from the applied value" in done.stdout
    assert asked(setup) == before


@pytest.mark.usefixtures("applied")
def test_an_unknown_name_is_an_error(setup):
    """Nothing tested is not a pass."""
    done = setup.repo.run_in_process("test", "prod-pgg")
    assert done.code == 1
    assert "KT070" in done.stderr


@pytest.mark.parametrize("setup", [{"test_reply": "verdictless"}], indirect=True)
def test_a_reply_without_a_verdict_fails(setup, canary):
    """A reply without a verdict is no pass."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    setup.repo.run_in_process("apply", "--auto-approve", "--no-test")
    done = setup.repo.keyturn("test")
    assert done.code == 1
    assert "1 unclear" in done.stdout


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [("network", "network"), ("tls", "tls"), ("consent", "consent"), ("auth", "authentication")],
)
def test_each_class_of_failure_has_its_hint(setup, applied, outcome, reason):
    """Text, JSON and JUnit name the failed layer and the fix."""
    accept(setup, applied, outcome=outcome)
    told = setup.repo.run_in_process("test", "prod-pg", "--format", "json")
    assert told.code == 1
    (found,) = parse_valid("test", told.stdout)["tests"]
    assert (found["result"], found["reason"]) == ("failed", reason)
    assert found["hint"]
    text = setup.repo.run_in_process("test", "prod-pg")
    assert f"{reason}: " in text.stdout
    assert " ".join(found["hint"].split()) in " ".join(text.stdout.split())
    report = setup.repo.run_in_process("test", "prod-pg", "--format", "junit")
    (case,) = ET.fromstring(report.stdout).iter("testcase")  # noqa: S314  # our own
    assert reason in case.find("failure").get("message", "") + case.find("failure").get("type", "")
