"""Connection tests that could not be run: no verdict, and not forgotten."""

import pytest

pytestmark = pytest.mark.waits

TEST_PATH = "/api/connections/test"


def fail_tests(setup, times):
    """Let the service answer this many connection tests with 502; 0 for all."""
    setup.service.add_fault("status_before", method="POST", path=TEST_PATH, times=times, status=502)


def count_tests(setup):
    """Return the number of connection tests that the service received."""
    return sum(each["path"] == TEST_PATH for each in setup.service.list_requests())


def write(setup, secret, strategy):
    """Write the credential with a strategy, and the connection that uses it."""
    setup.repo.credential("prod-db", {"password": secret}, rotation={"strategy": strategy})
    setup.repo.connection("prod-pg", "prod-db")


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
def test_a_single_bad_gateway_is_no_verdict(setup, canary, strategy):
    """The test is sent again, and the rotation is done."""
    write(setup, canary(), strategy)
    assert setup.run("apply", "--auto-approve").code == 0
    write(setup, canary(), strategy)
    fail_tests(setup, times=1)
    assert setup.run("apply", "--auto-approve").code == 0


def test_an_untested_connection_is_tested_by_the_next_apply(setup, canary):
    """The plan shows it until then."""
    write(setup, canary(), "verify")
    fail_tests(setup, times=0)
    applied = setup.run("apply", "--auto-approve")
    assert applied.code != 0
    assert "written, but not tested" in " ".join(applied.stdout.split())
    setup.service.set_faults([])
    planned = setup.run("plan", "--detailed-exitcode")
    assert planned.code == 2
    assert "could not be run" in " ".join(planned.stdout.split())
    before = count_tests(setup)
    assert setup.run("apply", "--auto-approve").code == 0
    assert count_tests(setup) > before
    assert setup.run("plan", "--detailed-exitcode").code == 0


def test_an_untested_rotation_is_not_rolled_back(setup, canary):
    """The new secret stays, is not called refused, and is tested by the next apply."""
    write(setup, canary(), "in_place")
    assert setup.run("apply", "--auto-approve").code == 0
    write(setup, canary(), "in_place")
    fail_tests(setup, times=0)
    applied = setup.run("apply", "--auto-approve")
    output = " ".join(applied.stdout.split())
    assert applied.code != 0
    assert "could not be tested" in output
    assert "not rolled back" in output
    assert "refused" not in output
    setup.service.set_faults([])
    assert setup.run("plan", "--detailed-exitcode").code == 2
    assert setup.run("apply", "--auto-approve").code == 0
    assert setup.run("plan", "--detailed-exitcode").code == 0
