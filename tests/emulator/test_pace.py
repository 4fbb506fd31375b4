"""The rate limit."""

from email.utils import parsedate_to_datetime

import pytest


def _exhausted(start, **options):
    api = start(rate_limit=2, rate_window_seconds=60, **options)
    api.emulator.clock(hold=1_800_000_000)
    return api, [api.get("/api/organization") for _ in range(3)]


def test_the_limit_holds_for_a_window(start):
    """After so many requests come refusals that keep nothing, until the window is over."""
    api, answers = _exhausted(start)
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["X-RateLimit-Remaining"] for each in answers] == ["1", "0", "0"]
    assert answers[2].headers["X-RateLimit-Limit"] == "2"
    assert answers[2].headers["X-RateLimit-Reset"] == "1800000060"
    assert answers[2].headers["Retry-After"] == "60"
    assert api.post("/api/credentials", {"name": "a", "type": "aws", "config": {}}).status_code == 429
    api.emulator.clock(advance=60)
    assert api.get("/api/credentials").json()["data"] == []


def test_each_key_has_its_own_window(start):
    """One key's haste does not slow another."""
    api, _ = _exhausted(start)
    api.emulator.admit("second")
    assert api.client.get("/api/organization", headers={"Authorization": "Bearer second"}).status_code == 200


@pytest.mark.parametrize(
    ("form", "header"),
    [("none", None), ("zero", "0"), ("huge", "86400"), ("garbage", "soon"), ("negative", "-5")],
)
def test_forms_of_waiting(start, form, header):
    """The time to wait may be missing, or nonsense."""
    _, answers = _exhausted(start, retry_after=form, rate_headers=False)
    assert answers[2].headers.get("Retry-After") == header
    assert "X-RateLimit-Limit" not in answers[2].headers


def test_waiting_as_a_date(start):
    """The time to wait may be a date, never before the window ends."""
    _, answers = _exhausted(start, retry_after="date")
    assert parsedate_to_datetime(answers[2].headers["Retry-After"]).timestamp() >= 1_800_000_060


def test_a_clock_that_went_back_begins_again(start):
    """A window that begins in the future is no window."""
    api, _ = _exhausted(start)
    api.emulator.clock(advance=-86_400)
    assert api.get("/api/organization").status_code == 200
