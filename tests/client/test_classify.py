"""Classification of responses by status and method."""

import json

import pytest

from keyturn.client.classify import build_format_error, classify_response, parse_response
from keyturn.client.errors import (
    Conflict,
    InvalidResponse,
    NotFound,
    OutcomeUnknown,
    RequestRejected,
    Throttled,
    Unauthorized,
)
from keyturn.client.messages import Request, Response

GET = Request(
    method="GET", path="/api/credentials/1", path_template="/api/credentials/{id}", operation="read"
)
POST = Request(
    method="POST",
    path="/api/credentials",
    path_template="/api/credentials",
    operation="create",
    body=b'{"config":{"host":1}}',
)
TEST = Request(
    method="POST", path="/api/connections/test", path_template="/api/connections/test", operation="test"
)
NOON = 784_111_777.0


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        *((status, None, None) for status in (200, 201, 202, 204, 206, 299)),
        *((status, RequestRejected, OutcomeUnknown) for status in (100, 300, 301, 302, 303, 304, 307, 308)),
        *(
            (status, RequestRejected, RequestRejected)
            for status in (400, 402, 405, 406, 411, 413, 415, 418, 422, 425, 428, 431, 451)
        ),
        *((status, Unauthorized, Unauthorized) for status in (401, 403)),
        *((status, NotFound, NotFound) for status in (404, 410)),
        (408, OutcomeUnknown, OutcomeUnknown),
        (409, Conflict, Conflict),
        (429, Throttled, Throttled),
        *(
            (status, OutcomeUnknown, OutcomeUnknown)
            for status in (500, 501, 502, 504, 505, 507, 520, 524, 598, 599)
        ),
        (503, Throttled, OutcomeUnknown),
    ],
)
def test_every_status(status, read, write):
    """The class of an error depends on status and method alone."""
    for request, kind in ((GET, read), (POST, write)):
        error = classify_response(
            request, Response(status=status, body=b'{"error":{"code":"not_found"}}'), NOON
        )
        assert type(error) is (kind or type(None))
        assert error is None or error.status == status


def test_details_of_an_error():
    """An error has the code, the details about sent fields, the request ID and ``retry_after``."""
    body = {
        "error": {
            "code": "invalid_request",
            "message": "x",
            "details": [{"field": "config.host", "issue": "blank"}],
        }
    }
    headers = {"x-request-id": "deadbeefdeadbeef", "retry-after": "7"}
    error = classify_response(
        POST, Response(status=400, body=json.dumps(body).encode(), headers=headers), NOON
    )
    assert (error.service_code, error.error_details.details) == ("invalid_request", ("config.host: blank",))
    assert (error.request_id, error.retry_after) == ("deadbeefdeadbeef", 7)


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_date_is_relative_to_the_clock_of_the_service(status):
    """The local clock counts only if the response has no Date header."""
    headers = {"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT"}
    assert (
        classify_response(GET, Response(status=status, headers=headers, date=NOON), NOON - 86_400).retry_after
        == 60
    )
    assert classify_response(GET, Response(status=status, headers=headers), NOON + 30).retry_after == 30


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[1]",
        b'"x"',
        b"null",
        b'{"error":7}',
        b"{" * 99,
        b'{"error":"' + b"x" * 70_000 + b'"}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_any_body_of_an_error(body):
    """The body never changes the class of an error."""
    error = classify_response(POST, Response(status=400, body=body), NOON)
    assert type(error) is RequestRejected
    assert (error.service_code, error.error_details.details) == ("", ())


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (400, b'{"ok":false,"message":"login failed"}', True),
        (422, b'{"data":{"success":false}}', True),
        (400, b'{"ok":true}', False),
        (400, b'{"error":{"code":"invalid_request"}}', False),
        (400, b"", False),
        (401, b'{"ok":false}', False),
        (403, b'{"ok":false}', False),
        (404, b'{"ok":false}', False),
        (408, b'{"ok":false}', False),
        (429, b'{"ok":false}', False),
        (500, b'{"ok":false}', False),
    ],
)
def test_a_4xx_may_be_the_result_of_a_connection_test(status, body, result):
    """An explicit failure is a result; any other 4xx is an error."""
    assert (classify_response(TEST, Response(status=status, body=body), NOON) is None) == result
    assert classify_response(POST, Response(status=status, body=body), NOON) is not None


def test_parsing_a_response():
    """An empty body is None; a body that is not JSON is InvalidResponse or OutcomeUnknown."""
    assert parse_response(GET, Response(status=200, body=b'{"data":[]}')) == {"data": []}
    assert parse_response(GET, Response(status=204)) is None
    assert parse_response(POST, Response(status=200, body=b" \r\n")) is None
    for request, kind in ((GET, InvalidResponse), (POST, OutcomeUnknown)):
        with pytest.raises(kind) as caught:
            parse_response(
                request, Response(status=200, body=b"<html>", headers={"x-request-id": "deadbeef"})
            )
        assert caught.value.request_id == "deadbeef"
        assert caught.value.__context__ is None
        assert type(build_format_error(request, Response(status=200), "because")) is kind


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "x-correlation-id"])
def test_the_request_id(name):
    """The ID is in one of three headers, and is dropped if its format is unknown."""
    assert (
        classify_response(GET, Response(status=500, headers={name: "deadbeef"}), NOON).request_id
        == "deadbeef"
    )
    assert classify_response(GET, Response(status=500, headers={name: "s3cret-value"}), NOON).request_id == ""
