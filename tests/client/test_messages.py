"""A request as a value."""

from keyturn.client.messages import Request, Response


def test_a_request_shows_neither_its_body_nor_ids(canary):
    """What is printed of a request or an answer holds no body."""
    body = canary().encode()
    call = Request(
        method="PUT",
        path="/api/credentials/c1",
        path_template="/api/credentials/{id}",
        operation="update",
        body=body,
    )
    assert call.request_line == "PUT /api/credentials/{id}"
    canary.also("the call", repr(call))
    canary.also("the reply", repr(Response(status=200, body=body, headers={"location": body.decode()})))


def test_only_get_reads():
    """Whatever is not a GET may change something."""
    verbs = {
        method: Request(method=method, path="/", path_template="/", operation="x").is_read
        for method in ("GET", "POST", "DELETE")
    }
    assert verbs == {"GET": True, "POST": False, "DELETE": False}
