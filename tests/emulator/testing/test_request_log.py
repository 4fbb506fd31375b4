"""The request log."""

from planasonix_emulator.testing.request_log import RequestLog


def test_requests_are_numbered():
    """Each request has a number, each write a second one, and the log can be read from a number on."""
    log = RequestLog()
    for method in ("GET", "POST", "GET", "PUT"):
        log.add_request(method, "/x", 0, write=method != "GET")
    assert len(log) == 4
    assert [(each["number"], each["write"]) for each in log.list_requests()] == [
        (1, 0),
        (2, 1),
        (3, 1),
        (4, 2),
    ]
    assert [each["number"] for each in log.list_requests(since=2)] == [3, 4]
    log.clear()
    assert log.add_request("GET", "/x", 0, write=False).number == 1
