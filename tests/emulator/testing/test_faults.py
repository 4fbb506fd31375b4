"""Which requests meet which fault."""

import pytest

from planasonix_emulator.settings import SettingsError
from planasonix_emulator.testing.faults import (
    Fault,
    FaultRegistry,
    RequestFacts,
    is_write,
    parse_faults,
)

CALLS = [("GET", "/api/credentials"), ("POST", "/api/credentials"), ("PUT", "/api/connections/conn_1")] * 2


def _struck(**fields):
    faults = FaultRegistry()
    faults.replace_faults([Fault(kind="drop_before", **fields)])
    writes, struck = 0, []
    for number, (method, path) in enumerate(CALLS, 1):
        writes += method != "GET"
        facts = RequestFacts(method=method, path=path, number=number, write_number=writes)
        if faults.match_request(facts):
            struck.append(number)
    return struck


@pytest.mark.parametrize(
    ("fields", "struck"),
    [
        ({}, [1]),
        ({"times": 2}, [1, 2]),
        ({"times": 0}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 3}, [3]),
        ({"at": 4}, [4]),
        ({"at": 4, "times": 2}, [4, 5]),
        ({"at": 4, "times": 0}, [4, 5, 6]),
        ({"at": 2, "among": "writes"}, [3]),
        ({"among": "writes"}, [2]),
        ({"among": "writes", "nth": 3}, [5]),
        ({"method": "POST", "nth": 2}, [5]),
        ({"path": "/api/connections/*"}, [3]),
        ({"path": "/api/connections/*", "nth": 2}, [6]),
        ({"path": "/api/connections"}, []),
        ({"at": 4, "method": "POST"}, []),
    ],
)
def test_which_requests_meet_a_fault(fields, struck):
    """A fault meets requests by their number, by their number as a write, or by the number of matches."""
    assert _struck(**fields) == struck


def test_faults_count_their_matches():
    """A listed fault shows the number of matching requests."""
    faults = FaultRegistry()
    faults.replace_faults(parse_faults([{"kind": "latency", "method": "GET", "nth": 9}]))
    faults.add_faults([Fault(kind="hang", method="PUT")])
    for number in range(1, 4):
        faults.match_request(
            RequestFacts(method="GET", path="/api/credentials", number=number, write_number=0)
        )
    assert [each["met"] for each in faults.list_faults()] == [3, 0]
    assert parse_faults([{"kind": "hang", "at": 3}]) == (Fault(kind="hang", at=3),)


@pytest.mark.parametrize(
    ("method", "path", "changes"),
    [
        ("GET", "/api/credentials", False),
        ("POST", "/api/credentials", True),
        ("DELETE", "/api/connections/conn_1", True),
        ("POST", "/api/connections/test", False),
        ("POST", "/api/connections/test-query", False),
    ],
)
def test_what_counts_as_a_write(method, path, changes):
    """A connection test is a POST, and no write."""
    assert is_write(method, path) is changes


@pytest.mark.parametrize(
    "trees",
    [
        {},
        ["hang"],
        [{}],
        [{"kind": "explode"}],
        [{"kind": "hang", "when": 3}],
        [{"kind": "hang", "at": "3"}],
        [{"kind": "hang", "at": True}],
        [{"kind": "hang", "among": "reads"}],
        [{"kind": "hang", "headers": []}],
    ],
)
def test_invalid_input_is_rejected(trees):
    """Faults with unknown kinds, fields or invalid values are rejected."""
    with pytest.raises(SettingsError):
        parse_faults(trees)


def test_whole_seconds_are_seconds():
    """An integer is accepted as a number of seconds."""
    assert parse_faults([{"kind": "latency", "seconds": 1}])[0].seconds == 1.0
