"""Connection tests on demand: selection, order and failure limit."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.results import TestStatus as Status
from keyturn.operations.progress import ProgressListener
from keyturn.operations.test_connections import FailureBudget, run_test_session

CONFIG = {"engine": "postgresql", "port": 5432, "username": "svc"}


class Listener(ProgressListener):
    """Records the progress."""

    def __init__(self):
        self.total, self.statuses = 0, []

    def start_phase(self, name, total=0):
        """Record the number of tests."""
        assert name == "test"
        self.total = total

    def finish_change(self, outcome):
        """Record the status of a test."""
        self.statuses.append(outcome.outcome_status)


@pytest.fixture
def applied(setup, canary):
    """Apply two credentials: one with three connections, one with a single one."""
    for name in ("prod-a", "prod-b"):
        config = {**CONFIG, "host": f"{name}.example.com"}
        setup.repo.credential(name, {"password": canary()}, config)
    for name, uses in {"prod-a1": "a", "prod-a2": "a", "prod-a3": "a", "prod-b1": "b"}.items():
        config = {"host": f"prod-{uses}.example.com", "port": 5432, "database": name}
        setup.repo.connection(name, f"prod-{uses}", config)
    assert setup.run("apply", "--yes").code == 0
    return setup


def refuse(setup, host, outcome):
    """Let the database at a host refuse connections."""
    setup.service.set_targets([{"type": "postgres", "match": {"host": host}, "outcome": outcome}])


def statuses(session):
    """Return the status of each test by name."""
    return {each.address.name: each.status for each in session.results}


@pytest.mark.usefixtures("applied")
def test_all_managed_connections_are_tested(begin):
    """Each test is reported once, and the results are sorted."""
    listener = Listener()
    session = run_test_session(replace(begin(), progress=listener), (), FailureBudget())
    assert list(statuses(session)) == ["prod-a1", "prod-a2", "prod-a3", "prod-b1"]
    assert set(statuses(session).values()) == {Status.PASSED}
    assert (listener.total, listener.statuses) == (4, [OutcomeStatus.DONE] * 4)
    assert session.unmanaged == 0


@pytest.mark.parametrize(("failures", "tested"), [(1, 1), (2, 2), (9, 3)])
def test_failed_logins_of_a_credential_are_limited(applied, begin, failures, tested):
    """Its other connections are skipped; those of another credential are tested."""
    refuse(applied, "prod-a.example.com", "auth")
    found = statuses(run_test_session(begin(), (), FailureBudget(max_failures=failures)))
    assert list(found.values()).count(Status.FAILED) == tested
    assert list(found.values()).count(Status.SKIPPED) == 3 - tested
    assert found["prod-b1"] is Status.PASSED


@pytest.mark.usefixtures("applied")
def test_names_select_connections(begin):
    """A pattern selects all matches; a name without a match is an error."""
    assert set(statuses(run_test_session(begin(), ("prod-a*",), FailureBudget()))) == {
        "prod-a1",
        "prod-a2",
        "prod-a3",
    }
    with pytest.raises(DiagnosticError) as caught:
        run_test_session(begin(), ("prod-a1", "nothing"), FailureBudget())
    assert [each.code for each in caught.value.diagnostics] == ["KT070"]


def test_unmanaged_connections_are_counted(applied, begin):
    """A test by name is refused."""
    applied.service.seed_objects(
        connections=[{"name": "ui-made", "type": "postgres", "config": {"host": "h"}}]
    )
    assert run_test_session(begin(), (), FailureBudget()).unmanaged == 1
    (result,) = run_test_session(begin(), ("ui-made",), FailureBudget()).results
    assert result.status is Status.REFUSED
