"""The fields of an object in a response."""

import pytest


@pytest.fixture
def filled(start, canary):
    """Start an emulator with a credential whose password is known, and return both."""

    def begin(**options):
        api, secret = start(**options), canary()
        identifier = api.credential(
            config={"host": "db.example", "port": 5432, "tls": True, "password": secret}
        )
        return api, api.get(f"/api/credentials/{identifier}").json()["data"], secret

    return begin


@pytest.mark.parametrize(("how", "shown"), [("mask", "********"), ("null", None)])
def test_secrets_may_be_masked(filled, how, shown):
    """The setting `reply_secrets` can show a mask or null for each secret."""
    _, view, _ = filled(reply_secrets=how)
    assert view["config"]["password"] == shown


def test_secrets_may_leak(filled):
    """The setting `reply_secrets` can show the secrets."""
    _, view, secret = filled(reply_secrets="leak")
    assert view["config"].pop("password") == secret
    assert view["config"] == {"host": "db.example", "port": 5432, "tls": True}


def test_numbers_may_be_strings(filled):
    """The setting `stringify` turns numbers and booleans into text."""
    _, view, _ = filled(stringify=True)
    assert view["config"] == {"host": "db.example", "port": "5432", "tls": "true"}


@pytest.mark.parametrize("by", ["id", "name", "*"])
def test_the_status_may_be_unknown(filled, by):
    """The setting `statuses` gives an active credential an unknown status; a deleted one stays deleted."""
    api, view, _ = filled()
    api.emulator.change_settings(statuses={view.get(by, "*"): "quarantined"})
    path = f"/api/credentials/{view['id']}"
    assert api.get(path).json()["data"]["status"] == "quarantined"
    api.delete(path)
    assert api.get(path).json()["data"]["status"] == "deleted"


@pytest.mark.parametrize("precision", ["seconds", "milliseconds", "microseconds"])
def test_times_rise_at_any_precision(start, precision):
    """Each write has a later time at each precision."""
    api = start(precision=precision)
    identifier = api.connection()
    api.emulator.set_clock(hold=True)
    times = [
        api.put(f"/api/connections/{identifier}", {"name": f"n{number}"}).json()["updatedAt"]
        for number in range(4)
    ]
    assert times == sorted(set(times))


def test_the_order_of_a_list_may_change(start):
    """The setting `unordered_fields` names the lists that each response shows in another order."""
    api = start(unordered_fields=["scopes"])
    lists = {"scopes": ["a", "b", "c"], "ordered": ["a", "b", "c"]}
    identifier = api.credential(config={"host": "db.example", **lists})
    views = [api.get(f"/api/credentials/{identifier}").json()["data"]["config"] for _ in range(6)]
    assert len({tuple(each["scopes"]) for each in views}) > 2
    assert all(sorted(each["scopes"]) == lists["scopes"] for each in views)
    assert all(each["ordered"] == lists["ordered"] for each in views)
