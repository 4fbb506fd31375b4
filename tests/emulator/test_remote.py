"""The side channel from the other end."""

import pytest

from planasonix_emulator.remote import Remote, RemoteError


def test_another_process_is_steered_the_same_way(api):
    """Address and token are enough to steer an emulator."""
    remote = Remote(api.emulator.base_url, api.emulator.token)
    assert remote.set(page_size=3)["page_size"] == 3
    assert api.emulator.settings()["page_size"] == 3
    remote.set_faults([{"kind": "hang", "at": 99}])
    assert [each["at"] for each in api.emulator.faults()] == [99]
    remote.close()
    remote.close()
    assert remote.state()["credentials"] == []
    remote.close()


def test_a_refusal_is_an_error(api):
    """What the side channel refuses is raised with its words."""
    with pytest.raises(RemoteError, match="dialect"):
        api.emulator.set(dialect="soap")
    stranger = Remote(api.emulator.base_url, "wrong")
    with pytest.raises(RemoteError, match="not found"):
        stranger.settings()
    stranger.close()


def test_a_connection_that_went_away_is_made_again(api):
    """A side channel whose connection broke meanwhile is opened again."""
    api.emulator.settings()
    api.emulator._connection.sock.close()
    assert api.emulator.settings()["page_size"] == 50
