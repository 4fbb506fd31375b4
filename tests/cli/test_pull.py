"""keyturn pull."""

import pytest

FILE = "manifests/prod/connections/prod-pg.yaml"


@pytest.fixture
def drifted(office, canary):
    """Return an office whose connection somebody edited."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.here("apply", "--yes").code == 0
    office.service.clock(advance=5)
    office.service.edit("connections", "prod-pg", config={"database": "scratch"})
    return office


def test_a_dry_run_writes_nothing(drifted):
    """It says what it would."""
    before = (drifted.repo.root / FILE).read_text()
    done = drifted.here("pull", "--dry-run")
    assert done.code == 0
    assert "scratch" in done.stdout
    assert "Nothing was written" in done.stderr
    assert (drifted.repo.root / FILE).read_text() == before


def test_git_has_it_afterwards(drifted):
    """And nothing is left to plan."""
    assert drifted.here("pull", "connection/prod-pg").code == 0
    assert "database: scratch" in (drifted.repo.root / FILE).read_text()
    assert drifted.here("plan", "--detailed-exitcode").code == 0


def test_where_a_secret_goes_is_not_pulled_unasked(drifted):
    """5, and the file stays."""
    drifted.service.clock(advance=5)
    drifted.service.edit("connections", "prod-pg", config={"host": "evil.example.com"})
    assert drifted.here("pull").code == 5
    assert "evil" not in (drifted.repo.root / FILE).read_text()


def test_a_name_that_means_nothing(drifted):
    """Said with what is meant."""
    done = drifted.here("pull", "prod-pgg")
    assert done.code == 1
    assert "KT071" in done.stderr
