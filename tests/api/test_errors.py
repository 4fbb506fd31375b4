"""Errors say what may have happened, and hold nothing that must not be seen."""

import pytest

from keyturn.api import errors
from keyturn.api.call import Call
from keyturn.api.errors import (
    Absent,
    Busy,
    Conflict,
    Denied,
    Facts,
    Incomplete,
    Malformed,
    Refused,
    ServiceError,
    Unreachable,
    Unsure,
    UntrustedCertificateError,
)
from keyturn.catalog import find_code, load_catalog
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Severity

PUT = Call(method="PUT", path="/api/connections/c%2F1", template="/api/connections/{id}", verb="update")

ALL = [
    Refused,
    Denied,
    Absent,
    Conflict,
    Busy,
    Unsure,
    Unreachable,
    UntrustedCertificateError,
    Malformed,
    Incomplete,
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_explained(kind):
    """Each has a number with an entry, a message that names the request, and a next step."""
    error = kind(PUT, Facts(status=418, request_id="deadbeef", code="invalid_request", why="because"))
    assert error.number in load_catalog()
    assert str(error) == error.message
    for part in ("PUT /api/connections/{id}", "418", "invalid_request", "because", "deadbeef"):
        assert part in error.message
    finding = error.finding()
    assert (finding.code, finding.severity) == (error.number, Severity.ERROR)
    assert finding.origin == Origin("PUT /api/connections/{id}")
    assert finding.hint == find_code(error.number).hint
    assert "c%2F1" not in repr(error)


def test_the_tree():
    """Refused, and what is more exact, means not done; Unsure and Busy are neither."""
    assert all(issubclass(kind, Refused) for kind in (Denied, Absent, Conflict))
    assert issubclass(Incomplete, Malformed)
    assert not any(issubclass(kind, Refused) for kind in (Busy, Unsure, Unreachable, Malformed))
    assert all(issubclass(kind, ServiceError) for kind in ALL)
    assert all(kind.__name__ in errors.__doc__ for kind in [ServiceError, *ALL])


def test_a_key_that_is_not_accepted_and_one_that_may_not():
    """401 and 403 have their own explanations; 403 names scope, policy and allow-list."""
    unknown, forbidden = Denied(PUT, Facts(status=401)), Denied(PUT, Facts(status=403))
    assert (unknown.number, forbidden.number) == ("KT502", "KT503")
    assert (unknown.status, forbidden.status) == (401, 403)
    for word in ("scope", "policy", "allow-list", "connections:write", "connectors:read"):
        assert word in forbidden.hint


def test_an_error_without_facts():
    """Where there was no answer, there is no status, no id and no word."""
    error = Unreachable(PUT)
    assert (error.status, error.request_id, error.code, error.retry_after) == (0, "", "", None)
    assert error.message == "PUT /api/connections/{id} was not sent"
    assert not error.lasting
    assert UntrustedCertificateError(PUT).lasting


def test_no_answer_to_a_read_changed_nothing():
    """Advice about what may have happened is for writes alone."""
    read = Call(method="GET", path="/x", template="/x", verb="list")
    assert (Unsure(PUT).number, Unsure(read).number) == ("KT507", "KT518")
    assert Unsure(read, number="KT517").number == "KT517"


def test_details_and_origin():
    """Details are shown, and a caller who knows the manifest says so."""
    error = Refused(PUT, Facts(status=400, details=("config.host: blank", "name")))
    assert "config.host: blank; name" in error.message
    assert error.finding(Origin("a.yaml", 3, 1)).origin == Origin("a.yaml", 3, 1)
