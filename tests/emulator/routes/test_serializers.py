"""What replies tell of an object."""

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
    """A deployment may show a secret's key with a mask, or with null."""
    _, view, _ = filled(reply_secrets=how)
    assert view["config"]["password"] == shown


def test_secrets_may_leak(filled):
    """A deployment may show the secret itself, and clients must cope."""
    _, view, secret = filled(reply_secrets="leak")
    assert view["config"].pop("password") == secret
    assert view["config"] == {"host": "db.example", "port": 5432, "tls": True}


def test_numbers_may_be_strings(filled):
    """A deployment may turn every number and truth value into text."""
    _, view, _ = filled(stringify=True)
    assert view["config"] == {"host": "db.example", "port": "5432", "tls": "true"}


@pytest.mark.parametrize("by", ["id", "name", "*"])
def test_the_status_may_be_unknown(filled, by):
    """A credential may have a status that no page lists; a deleted one is deleted all the same."""
    api, view, _ = filled()
    api.emulator.change_settings(statuses={view.get(by, "*"): "quarantined"})
    path = f"/api/credentials/{view['id']}"
    assert api.get(path).json()["data"]["status"] == "quarantined"
    api.delete(path)
    assert api.get(path).json()["data"]["status"] == "deleted"


@pytest.mark.parametrize("precision", ["seconds", "milliseconds", "microseconds"])
def test_times_rise_at_any_precision(start, precision):
    """However precise the times are, each write has a later one."""
    api = start(precision=precision)
    identifier = api.connection()
    api.emulator.set_clock(hold=True)
    times = [
        api.put(f"/api/connections/{identifier}", {"name": f"n{number}"}).json()["updatedAt"]
        for number in range(4)
    ]
    assert times == sorted(set(times))
