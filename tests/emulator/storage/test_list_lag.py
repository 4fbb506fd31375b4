"""Lists that lag behind changes."""

import pytest

from planasonix_emulator.settings import EmulatorSettings, change_settings
from planasonix_emulator.storage.list_lag import ChangeHistory


def _listed(api):
    return [(each["name"], each["config"].get("host")) for each in api.get("/api/credentials").json()["data"]]


@pytest.mark.parametrize("lag", [1, 2])
def test_lag_in_readings(start, lag):
    """A list shows a creation, a change and a deletion after `list_lag_requests` more requests."""
    api = start(list_lag_requests=lag)
    identifier = api.credential()
    assert [_listed(api) for _ in range(lag)] == [[]] * lag
    assert _listed(api) == [("prod-db", "db.example")]
    api.put(f"/api/credentials/{identifier}", {"config": {"host": "new.example"}})
    assert [_listed(api) for _ in range(lag)] == [[("prod-db", "db.example")]] * lag
    assert _listed(api) == [("prod-db", "new.example")]
    api.delete(f"/api/credentials/{identifier}/permanent")
    assert [_listed(api) for _ in range(lag)] == [[("prod-db", "new.example")]] * lag
    assert _listed(api) == []


def test_lag_in_seconds_of_the_clock(start):
    """A list shows a new object after `list_lag_seconds` of the emulator's clock."""
    api = start(list_lag_seconds=10)
    api.emulator.set_clock(hold=True)
    identifier = api.credential()
    assert _listed(api) == []
    assert api.get(f"/api/credentials/{identifier}").status_code == 200
    api.emulator.set_clock(advance=9.5)
    assert _listed(api) == []
    api.emulator.set_clock(advance=0.5)
    assert _listed(api) == [("prod-db", "db.example")]


def test_connections_lag_by_themselves(start):
    """Requests for one list do not count for the other."""
    api = start(list_lag_requests=1)
    api.connection()
    _listed(api)
    assert api.get("/api/connections").json()["meta"]["total"] == 0
    assert api.get("/api/connections").json()["meta"]["total"] == 1


def test_old_changes_are_forgotten(record):
    """The history is bounded and contains the latest changes."""
    settings = change_settings(EmulatorSettings(), {"list_lag_seconds": 1000})
    history = ChangeHistory()
    for number in range(10_500):
        history.record_change(f"cred_{number}", None, 0)
    visible = history.undo_recent((record("cred_10499"), record("cred_x")), settings, 0)
    assert list(visible) == ["cred_x"]
    assert len(history._changes) <= 10_000


def test_single_reads_may_lag(start):
    """With `read_lag_seconds` a read shows the former state, and no new object."""
    api = start(read_lag_seconds=10)
    api.emulator.set_clock(hold=True)
    path = f"/api/credentials/{api.credential()}"
    assert api.get(path).status_code == 404
    api.emulator.set_clock(advance=10)
    assert api.get(path).json()["data"]["config"]["host"] == "db.example"
    api.put(path, {"config": {"host": "new.example"}})
    api.put(path, {"config": {"host": "newest.example"}})
    assert api.get(path).json()["data"]["config"]["host"] == "db.example"
    api.emulator.set_clock(advance=10)
    assert api.get(path).json()["data"]["config"]["host"] == "newest.example"


def test_single_reads_of_connections_may_lag(start):
    """As those of credentials do."""
    api = start(read_lag_seconds=10)
    api.emulator.set_clock(hold=True)
    path = f"/api/connections/{api.connection()}"
    assert api.get(path).status_code == 404
    api.emulator.set_clock(advance=10)
    assert api.get(path).status_code == 200
