"""keyturn doctor."""

from published import valid


def test_forms(office):
    """For people and, in two spellings, for programs."""
    assert office.here("doctor").stdout.splitlines()[-1].startswith("Doctor: ")
    one, other = office.here("doctor", "--json"), office.here("doctor", "--format", "json")
    assert valid("doctor", one.stdout)["summary"] == valid("doctor", other.stdout)["summary"]


def test_offline_asks_nobody(office):
    """No request, and the check is said to be untried."""
    done = office.here("doctor", "--offline")
    assert "no request sent: --offline" in done.stdout
    assert office.service.list_requests() == []


def test_something_broken_is_a_fault(office):
    """Exit 1, and nothing on the error stream."""
    environment = {
        key: value for key, value in office.repo.environment().items() if key != "PLANASONIX_API_KEY"
    }
    done = office.here("doctor", env=environment)
    assert (done.code, done.stderr) == (1, "")
