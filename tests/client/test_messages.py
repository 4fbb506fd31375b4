"""Requests and responses as values."""

from keyturn.client.messages import Request, Response


def test_representations_have_no_body(canary):
    """Neither of a request nor of a response."""
    body = canary().encode()
    request = Request(
        method="PUT",
        path="/api/credentials/c1",
        path_template="/api/credentials/{id}",
        operation="update",
        body=body,
    )
    assert request.request_line == "PUT /api/credentials/{id}"
    canary.record("the request", repr(request))
    canary.record("the response", repr(Response(status=200, body=body, headers={"location": body.decode()})))


def test_only_get_is_a_read():
    """Any other method may change something."""
    is_read = {
        method: Request(method=method, path="/", path_template="/", operation="x").is_read
        for method in ("GET", "POST", "DELETE")
    }
    assert is_read == {"GET": True, "POST": False, "DELETE": False}
