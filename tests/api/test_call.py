"""A request as a value."""

from keyturn.api.call import Call, Reply


def test_a_request_shows_neither_its_body_nor_ids(canary):
    """What is printed of a request or an answer holds no body."""
    body = canary().encode()
    call = Call(
        method="PUT", path="/api/credentials/c1", template="/api/credentials/{id}", verb="update", body=body
    )
    assert call.where == "PUT /api/credentials/{id}"
    canary.also("the call", repr(call))
    canary.also("the reply", repr(Reply(status=200, body=body, headers={"location": body.decode()})))


def test_only_get_reads():
    """Whatever is not a GET may change something."""
    verbs = {
        method: Call(method=method, path="/", template="/", verb="x").reads
        for method in ("GET", "POST", "DELETE")
    }
    assert verbs == {"GET": True, "POST": False, "DELETE": False}
