"""Reads after a write of this run, from a service whose single reads lag."""

import pytest
from msgspec.structs import replace

from keyturn.client.errors import OutcomeUnknown
from keyturn.client.records import ApiRecord
from keyturn.kinds import KINDS
from keyturn.model.clock import WaitInterruptedError
from keyturn.model.resource import LiveObject
from keyturn.operations.apply.read_back import (
    READ_BACK_DELAYS,
    is_still_live,
    read_object,
    read_written_object,
    shows_former_state,
)
from sample_resources import credential_address

KIND = KINDS["credential"]
PATIENCE = sum(READ_BACK_DELAYS)
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


@pytest.fixture
def lagging(setup, context):
    """Return a function that sets the lag, and a context whose sleeps advance the clock of the service."""
    setup.service.set_clock(hold=True)

    def start(lag, interrupted_after=100):
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            setup.service.set_clock(advance=seconds)
            if len(slept) > interrupted_after:
                raise WaitInterruptedError

        setup.service.change_settings(read_lag_seconds=lag)
        return replace(context, run=replace(context.run, sleep=sleep)), slept

    yield start
    setup.service.set_clock(hold=False)


@pytest.fixture
def create(context):
    """Create a credential without a manifest and return its id."""
    return lambda: (
        context.run.service.create_record(
            "credentials", {"name": "prod-x", "type": "database", "config": dict(CONFIG)}
        ).id
    )


@pytest.mark.parametrize("lag", [0, 0.5, 1.5, 6, PATIENCE - 0.5])
def test_a_missing_object_is_awaited(lagging, create, lag):
    """At most as long as the lag, and the next delay."""
    at, slept = lagging(lag)
    object_id = create()
    assert read_written_object(KIND, object_id, at).id == object_id
    assert sum(slept[:-1]) < max(lag, 0.1)


@pytest.mark.parametrize("interrupted_after", [0, 2, 100])
def test_an_object_that_stays_missing_is_unknown(lagging, create, interrupted_after):
    """Also if the run is interrupted meanwhile: the write was confirmed."""
    at, slept = lagging(PATIENCE + 1, interrupted_after)
    with pytest.raises(OutcomeUnknown, match="visible"):
        read_written_object(KIND, create(), at)
    assert len(slept) == min(interrupted_after + 1, len(READ_BACK_DELAYS) - 1)


@pytest.mark.parametrize(
    ("lag", "expected"), [(0, "new.example"), (6, "new.example"), (60, "db.example.com")]
)
def test_the_former_state_is_awaited(lagging, create, lag, expected):
    """The last read is returned, whatever it shows."""
    object_id = create()
    at, _ = lagging(0)
    before = read_object(KIND, object_id, at)
    at.run.sleep(100)
    at, _ = lagging(lag)
    body = {"name": "prod-x", "type": "database", "config": {**CONFIG, "host": "new.example"}}
    response = at.run.service.update_record("credentials", object_id, body, idempotent=True)
    live = read_written_object(KIND, object_id, at, lambda each: shows_former_state(each, before, response))
    assert live.fields["config", "host"] == expected
    assert shows_former_state(live, before, response) == (expected == "db.example.com")


@pytest.mark.parametrize(("lag", "expected"), [(0, False), (6, False), (60, True)])
def test_a_retired_object_may_be_shown_for_a_while(lagging, create, lag, expected):
    """With a lag longer than the patience it counts as live."""
    object_id = create()
    at, _ = lagging(0)
    at.run.sleep(100)
    at, _ = lagging(lag)
    at.run.service.retire_record("credentials", object_id, idempotent=True)
    assert is_still_live(KIND, object_id, at) is expected


FIRST, SECOND = "2026-01-01T00:00:00Z", "2026-01-01T00:00:07Z"


@pytest.mark.parametrize(
    ("response_time", "live_time", "expected"),
    [
        (SECOND, FIRST, True),
        (SECOND, SECOND, False),
        ("2026-01-01T01:00:00.000+01:00", FIRST, False),
        (FIRST, FIRST, False),
        ("", FIRST, False),
        (None, FIRST, False),
    ],
)
def test_only_a_later_time_in_the_response_proves_a_lag(response_time, live_time, expected):
    """A service that ignored the write, or returns no time, proves nothing."""
    address = credential_address("x")
    before = LiveObject(address=address, id="1", type="password", fields={}, created_at="", updated_at=FIRST)
    response = None
    if response_time is not None:
        response = ApiRecord(id="1", name="x", type="password", updated_at=response_time)
    assert shows_former_state(replace(before, updated_at=live_time), before, response) is expected
