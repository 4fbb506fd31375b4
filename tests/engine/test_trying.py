"""Connection tests on demand: who is tried, in which order, and when it stops."""

import pytest
from msgspec.structs import replace

from keyturn.core.diagnostic import Faulty
from keyturn.core.outcome import Ending
from keyturn.core.trial import End
from keyturn.engine.trying import Budget, try_out
from keyturn.engine.watch import Watch

CONFIG = {"engine": "postgresql", "port": 5432, "username": "svc"}


class Listener(Watch):
    """Keeps what it hears."""

    def __init__(self):
        self.total, self.endings = 0, []

    def phase(self, name, total=0):
        """Keep how many there will be."""
        assert name == "test"
        self.total = total

    def ended(self, outcome):
        """Keep an ending."""
        self.endings.append(outcome.ending)


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
    return {each.address.name: each.end for each in session.tried}


@pytest.mark.usefixtures("fleet")
def test_all_are_tried_and_told(begin):
    """Each is heard of once, and the result is sorted."""
    listener = Listener()
    session = try_out(replace(begin(), watch=listener), (), Budget())
    assert list(ends(session)) == ["prod-a1", "prod-a2", "prod-a3", "prod-b1"]
    assert set(ends(session).values()) == {End.PASSED}
    assert (listener.total, listener.endings) == (4, [Ending.DONE] * 4)
    assert session.strangers == 0


@pytest.mark.parametrize(("failures", "tried"), [(1, 1), (2, 2), (9, 3)])
def test_a_credential_fails_no_more_often_than_it_may(fleet, begin, failures, tried):
    """Its other connections are left alone; those of another credential are not."""
    refuse(fleet, "prod-a.example.com", "auth")
    found = ends(try_out(begin(), (), Budget(failures=failures)))
    assert list(found.values()).count(End.FAILED) == tried
    assert list(found.values()).count(End.SKIPPED) == 3 - tried
    assert found["prod-b1"] is End.PASSED


@pytest.mark.usefixtures("fleet")
def test_names_narrow(begin):
    """A pattern means as many as it fits; what means nothing is an error."""
    assert set(ends(try_out(begin(), ("prod-a*",), Budget()))) == {
        "prod-a1",
        "prod-a2",
        "prod-a3",
    }
    with pytest.raises(Faulty) as caught:
        try_out(begin(), ("prod-a1", "nothing"), Budget())
    assert [each.code for each in caught.value.findings] == ["KT070"]


def test_strangers_are_counted_and_refused_by_name(fleet, begin):
    """What was made in the UI was never approved here."""
    fleet.service.seed_objects(connections=[{"name": "ui-made", "type": "postgres", "config": {"host": "h"}}])
    assert try_out(begin(), (), Budget()).strangers == 1
    (named,) = try_out(begin(), ("ui-made",), Budget()).tried
    assert named.end is End.REFUSED
