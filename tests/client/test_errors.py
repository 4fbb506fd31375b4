"""Errors of the service: class tree, messages, codes."""

import pytest

from keyturn.catalog import find_code, load_catalog
from keyturn.client import errors
from keyturn.client.errors import (
    Conflict,
    ErrorDetails,
    IncompleteResponse,
    InvalidResponse,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RequestRejected,
    ServiceError,
    Throttled,
    Unauthorized,
    UntrustedCertificateError,
)
from keyturn.client.messages import Request
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Severity

PUT = Request(
    method="PUT", path="/api/connections/c%2F1", path_template="/api/connections/{id}", operation="update"
)

ERRORS = [
    RequestRejected,
    Unauthorized,
    NotFound,
    Conflict,
    Throttled,
    OutcomeUnknown,
    NotSent,
    UntrustedCertificateError,
    InvalidResponse,
    IncompleteResponse,
]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_is_explained(kind):
    """Each has a code of the catalog, a message with the request, and a hint."""
    error = kind(
        PUT, ErrorDetails(status=418, request_id="deadbeef", service_code="invalid_request", reason="because")
    )
    assert error.diagnostic_code in load_catalog()
    assert str(error) == error.message
    for part in ("PUT /api/connections/{id}", "418", "invalid_request", "because", "deadbeef"):
        assert part in error.message
    diagnostic = error.to_diagnostic()
    assert (diagnostic.code, diagnostic.severity) == (error.diagnostic_code, Severity.ERROR)
    assert diagnostic.origin == SourceLocation("PUT /api/connections/{id}")
    assert diagnostic.hint == find_code(error.diagnostic_code).hint
    assert "c%2F1" not in repr(error)


def test_the_class_tree():
    """RequestRejected means not applied; OutcomeUnknown and Throttled are no rejections."""
    assert all(issubclass(kind, RequestRejected) for kind in (Unauthorized, NotFound, Conflict))
    assert issubclass(IncompleteResponse, InvalidResponse)
    assert not any(
        issubclass(kind, RequestRejected) for kind in (Throttled, OutcomeUnknown, NotSent, InvalidResponse)
    )
    assert all(issubclass(kind, ServiceError) for kind in ERRORS)
    assert all(kind.__name__ in errors.__doc__ for kind in [ServiceError, *ERRORS])


def test_an_invalid_key_differs_from_missing_permission():
    """401 and 403 have their own codes."""
    unknown, forbidden = (
        Unauthorized(PUT, ErrorDetails(status=401)),
        Unauthorized(PUT, ErrorDetails(status=403)),
    )
    assert (unknown.diagnostic_code, forbidden.diagnostic_code) == ("KT502", "KT503")
    assert (unknown.status, forbidden.status) == (401, 403)
    for word in ("scope", "policy", "allow-list", "connections:write", "connectors:read"):
        assert word in forbidden.hint


def test_an_error_without_details():
    """Without a response there is no status, ID or code."""
    error = NotSent(PUT)
    assert (error.status, error.request_id, error.service_code, error.retry_after) == (0, "", "", None)
    assert error.message == "PUT /api/connections/{id} was not sent"
    assert not error.is_permanent
    assert UntrustedCertificateError(PUT).is_permanent


def test_an_unknown_outcome_of_a_read_has_its_own_code():
    """A read changes nothing."""
    read = Request(method="GET", path="/x", path_template="/x", operation="list")
    assert (OutcomeUnknown(PUT).diagnostic_code, OutcomeUnknown(read).diagnostic_code) == ("KT507", "KT518")
    assert OutcomeUnknown(read, diagnostic_code="KT517").diagnostic_code == "KT517"


def test_details_and_origin():
    """The message has the details; the caller may set the origin."""
    error = RequestRejected(PUT, ErrorDetails(status=400, details=("config.host: blank", "name")))
    assert "config.host: blank; name" in error.message
    assert error.to_diagnostic(SourceLocation("a.yaml", 3, 1)).origin == SourceLocation("a.yaml", 3, 1)


@pytest.mark.parametrize("status", [402, 412, 413, 423, 425, 451])
def test_a_status_with_a_meaning_has_its_own_hint(status):
    """A correct manifest need not be corrected; every other status has the hint of the code."""
    error = RequestRejected(PUT, ErrorDetails(status=status))
    assert error.hint != find_code(error.diagnostic_code).hint
    plain = RequestRejected(PUT, ErrorDetails(status=400))
    assert plain.hint == find_code(plain.diagnostic_code).hint
