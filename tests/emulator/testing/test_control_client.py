"""The client of the control API."""

import pytest

from planasonix_emulator.testing.control_client import ControlClient, ControlError


def test_address_and_token_are_enough(api):
    """A client needs only the address and the token."""
    remote = ControlClient(api.emulator.base_url, api.emulator.token)
    assert remote.change_settings(page_size=3)["page_size"] == 3
    assert api.emulator.read_settings()["page_size"] == 3
    remote.set_faults([{"kind": "hang", "at": 99}])
    assert [each["at"] for each in api.emulator.list_faults()] == [99]
    remote.close()
    remote.close()
    assert remote.read_state()["credentials"] == []
    remote.close()


def test_a_refusal_is_an_error(api):
    """A rejected control request raises an error with the message of the response."""
    with pytest.raises(ControlError, match="dialect"):
        api.emulator.change_settings(dialect="soap")
    stranger = ControlClient(api.emulator.base_url, "wrong")
    with pytest.raises(ControlError, match="not found"):
        stranger.read_settings()
    stranger.close()


def test_a_connection_that_went_away_is_made_again(api):
    """The client opens a broken connection again."""
    api.emulator.read_settings()
    api.emulator._connection.sock.close()
    assert api.emulator.read_settings()["page_size"] == 50
