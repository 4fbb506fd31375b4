"""keyturn doctor."""

from published_schemas import parse_valid


def test_forms(setup):
    """For people and, in two spellings, for programs."""
    assert setup.run("doctor").stdout.splitlines()[-1].startswith("Doctor: ")
    one, other = setup.run("doctor", "--json"), setup.run("doctor", "--format", "json")
    assert parse_valid("doctor", one.stdout)["summary"] == parse_valid("doctor", other.stdout)["summary"]


def test_offline_asks_nobody(setup):
    """No request, and the check is said to be untried."""
    done = setup.run("doctor", "--offline")
    assert "no request sent: --offline" in done.stdout
    assert setup.service.list_requests() == []


def test_something_broken_is_a_fault(setup):
    """Exit 1, and nothing on the error stream."""
    environment = {
        key: value for key, value in setup.repo.environment().items() if key != "PLANASONIX_API_KEY"
    }
    done = setup.run("doctor", env=environment)
    assert (done.code, done.stderr) == (1, "")
