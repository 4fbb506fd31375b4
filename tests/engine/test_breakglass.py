"""Break glass."""

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.engine.breakglass import revoke, target


@pytest.fixture
def used(office):
    """Put a credential with two connections into the service, by nobody's manifest."""
    (db,) = office.service.seed_objects(credentials=[{"name": "db", "type": "database", "config": {}}])[
        "credentials"
    ]
    where = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}, "credentialId": db}
    office.service.seed_objects(connections=[{"name": name, **where} for name in ("one", "two")])
    return office


def test_a_name_is_exact(used, run):
    """No near match at three in the morning."""
    assert target(run.service, "db").address.name == "db"
    for name in ("d", "DB", "db2"):
        with pytest.raises(Faulty) as caught:
            target(run.service, name)
        assert caught.value.findings[0].code == "KT470"
    assert used.live()


def test_detached_everywhere_and_deleted(used, run):
    """Settings of the connections stay."""
    done = revoke(run.service, target(run.service, "db"))
    assert done.complete
    assert [step.deed for step in done.steps] == ["detach", "detach", "soft-delete"]
    assert used.live() == {}
    for each in used.live("connections").values():
        assert not each.get("credentialId")
        assert each["config"]["host"] == "h"


def test_it_goes_on_whatever_fails(used, run):
    """One connection cannot be detached: the rest is done, and it is said."""
    used.service.add_fault("status_before", method="PUT", path="/api/connections/*", status=422)
    done = revoke(run.service, target(run.service, "db"))
    assert not done.complete
    assert [bool(step.trouble) for step in done.steps].count(True) >= 1
    assert len(done.steps) == 3
