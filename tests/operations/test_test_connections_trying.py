"""Connection tests on demand: who is tried, in which order, and when it stops."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import OutcomeStatus
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.results import TestStatus
from keyturn.operations.progress import ProgressListener
from keyturn.operations.test_connections import FailureBudget, run_test_session

CONFIG = {"engine": "postgresql", "port": 5432, "username": "svc"}


class Listener(ProgressListener):
    """Keeps what it hears."""

    def __init__(self):
        self.total, self.endings = 0, []

    def start_phase(self, name, total=0):
        """Keep how many there will be."""
        assert name == "test"
        self.total = total

    def finish_change(self, outcome):
        """Keep an ending."""
        self.endings.append(outcome.outcome_status)


@pytest.fixture
def fleet(office, canary):
    """Apply two credentials: one with three connections, one with a single one."""
    for name in ("prod-a", "prod-b"):
        config = {**CONFIG, "host": f"{name}.example.com"}
        office.repo.credential(name, {"password": canary()}, config)
    for name, uses in {"prod-a1": "a", "prod-a2": "a", "prod-a3": "a", "prod-b1": "b"}.items():
        place = {"host": f"prod-{uses}.example.com", "port": 5432, "database": name}
        office.repo.connection(name, f"prod-{uses}", place)
    assert office.here("apply", "--yes").code == 0
    return office


def refuse(office, host, outcome):
    """Have the database at a host answer in one way."""
    office.service.set_targets([{"type": "postgres", "match": {"host": host}, "outcome": outcome}])


def ends(session):
    """Return how each test ended, by name."""
    return {each.address.name: each.status for each in session.results}


@pytest.mark.usefixtures("fleet")
def test_all_are_tried_and_told(begin):
    """Each is heard of once, and the result is sorted."""
    listener = Listener()
    session = run_test_session(replace(begin(), progress=listener), (), FailureBudget())
    assert list(ends(session)) == ["prod-a1", "prod-a2", "prod-a3", "prod-b1"]
    assert set(ends(session).values()) == {TestStatus.PASSED}
    assert (listener.total, listener.endings) == (4, [OutcomeStatus.DONE] * 4)
    assert session.unmanaged == 0


@pytest.mark.parametrize(("failures", "tried"), [(1, 1), (2, 2), (9, 3)])
def test_a_credential_fails_no_more_often_than_it_may(fleet, begin, failures, tried):
    """Its other connections are left alone; those of another credential are not."""
    refuse(fleet, "prod-a.example.com", "auth")
    found = ends(run_test_session(begin(), (), FailureBudget(max_failures=failures)))
    assert list(found.values()).count(TestStatus.FAILED) == tried
    assert list(found.values()).count(TestStatus.SKIPPED) == 3 - tried
    assert found["prod-b1"] is TestStatus.PASSED


@pytest.mark.usefixtures("fleet")
def test_names_narrow(begin):
    """A pattern means as many as it fits; what means nothing is an error."""
    assert set(ends(run_test_session(begin(), ("prod-a*",), FailureBudget()))) == {
        "prod-a1",
        "prod-a2",
        "prod-a3",
    }
    with pytest.raises(DiagnosticError) as caught:
        run_test_session(begin(), ("prod-a1", "nothing"), FailureBudget())
    assert [each.code for each in caught.value.diagnostics] == ["KT070"]


def test_strangers_are_counted_and_refused_by_name(fleet, begin):
    """What was made in the UI was never approved here."""
    fleet.service.seed_objects(connections=[{"name": "ui-made", "type": "postgres", "config": {"host": "h"}}])
    assert run_test_session(begin(), (), FailureBudget()).unmanaged == 1
    (named,) = run_test_session(begin(), ("ui-made",), FailureBudget()).results
    assert named.status is TestStatus.REFUSED
