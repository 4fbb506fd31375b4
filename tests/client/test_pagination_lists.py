"""Complete lists over HTTP, or an error."""

import json

import httpx
import pytest

from keyturn.client.errors import (
    IncompleteResponse,
    InvalidResponse,
    NotFound,
    OutcomeUnknown,
    RequestRejected,
    Throttled,
    Unauthorized,
)
from keyturn.client.pagination import MAX_UNUSABLE_ROWS

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


def list_page(*numbers, **meta):
    """Return a page of credentials."""
    data = [{"id": f"cred_{number}", "name": f"c{number}", "type": "password"} for number in numbers]
    return httpx.Response(200, json={"data": data, "meta": meta}, headers={"Date": DATE})


@pytest.fixture
def asked(client_of):
    """Return a maker: from the pages of a list to the client that reads them and its queries.

    A request without a cursor gets the first page again, after the last page.
    """

    def make(*answers):
        queries, position = [], [0]

        def handler(request):
            queries.append(dict(request.url.params))
            if "cursor" not in queries[-1] and position[0] >= len(answers):
                position[0] = 0
            answer = answers[min(position[0], len(answers) - 1)]
            position[0] += 1
            if isinstance(answer, Exception):
                raise answer
            return answer

        return client_of(handler), queries

    return make


def test_cursors_are_followed(asked):
    """With a large page size; the date is that of the first page."""
    client, queries = asked(list_page(1, 2, page={"cursor": "a/b="}), list_page(3, page={"cursor": None}))
    found = client.list_credentials()
    assert [record.id for record in found.records] == ["cred_1", "cred_2", "cred_3"]
    assert queries == [{"limit": "500"}, {"limit": "500", "cursor": "a/b="}]
    assert (found.pages, found.server_date, found.warnings) == (2, 784_111_777, ())
    assert client.request_stats.by_operation == {"list": 2}


@pytest.mark.parametrize("status", [400, 422])
def test_a_rejected_page_size_is_left_out(asked, status):
    """In later requests, too."""
    client, queries = asked(httpx.Response(status), list_page(1), list_page(1))
    assert len(client.list_credentials().records) == 1
    assert len(client.list_credentials().records) == 1
    assert queries == [{"limit": "500"}, {}, {}]


def test_a_list_that_is_rejected_without_a_page_size(asked):
    """The second rejection is raised."""
    client, queries = asked(httpx.Response(400))
    with pytest.raises(RequestRejected):
        client.list_credentials()
    assert len(queries) == 2


@pytest.mark.parametrize(
    ("pages", "kind"),
    [
        ([list_page(1, total=2)], IncompleteResponse),
        ([list_page(1, page={"cursor": "a"}), list_page(2, page={"cursor": "a"})], IncompleteResponse),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(400)], IncompleteResponse),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(404)], IncompleteResponse),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(410)], IncompleteResponse),
        ([list_page(1, page={"cursor": {}})], InvalidResponse),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(200, json={"data": None})], InvalidResponse),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(200, content=b'{"data":[')], InvalidResponse),
        ([httpx.Response(200)], InvalidResponse),
        ([httpx.Response(200, content=b"<html>")], InvalidResponse),
        ([httpx.Response(200, json={})], InvalidResponse),
        ([httpx.Response(200, json={"data": {}})], InvalidResponse),
        ([httpx.Response(200, json={"data": [{"name": "a"}] * (MAX_UNUSABLE_ROWS + 1)})], InvalidResponse),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(403)], Unauthorized),
        ([httpx.Response(401)], Unauthorized),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(500)], OutcomeUnknown),
        ([list_page(1, page={"cursor": "a"}), httpx.ReadTimeout("x")], OutcomeUnknown),
        ([list_page(1, page={"cursor": "a"}), httpx.Response(503)], Throttled),
    ],
)
def test_an_error_on_any_page_is_raised(asked, pages, kind):
    """There are never partial lists."""
    client, _ = asked(*pages)
    with pytest.raises(kind) as caught:
        client.list_credentials()
    assert type(caught.value) is kind
    assert caught.value.path == "/api/credentials"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": "cred_9", "type": "password"}, "an object without a name"),
        ({"id": "cred_9", "name": ""}, "an object without a name"),
        ({"name": "c9"}, "an object without an ID"),
        ({"id": "", "name": "c9"}, "an object without an ID"),
        ({"id": None, "name": "c9"}, "an object without an ID"),
        ({"id": ["a"], "name": "c9"}, "an object without an ID"),
        ({"id": "../permanent", "name": "c9"}, "other characters than letters"),
        ({"id": "\u200bcred_9", "name": "c9"}, "other characters than letters"),
        ({"id": "x" * 201, "name": "c9"}, "more than 200"),
        ({"id": "cred_9", "name": ["c9"]}, "`name` is not text"),
        ({"id": "cred_9", "name": "c9", "config": 7}, "settings that are not an object"),
        ({"id": "cred_9", "name": "c9", "created_at": "a", "createdAt": "b"}, "differ"),
        ({"id": "cred_9", "attributes": {"id": "cred_8", "name": "c9"}}, "differs inside"),
        (None, "an object is missing"),
        (7, "an object is missing"),
        ([{"id": "cred_9"}], "an object is missing"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_that_cannot_be_used_is_left_out(asked, row, problem, place):
    """The other rows are returned; a warning names collection, row and problem."""
    data = list_page(1, 2).json()["data"]
    data.insert(place, row)
    client, _ = asked(httpx.Response(200, json={"data": data, "meta": {"total": 3}}))
    listing = client.list_credentials()
    assert [each.name for each in listing.records] == ["c1", "c2"]
    (unusable,) = listing.unusable_rows
    assert str(unusable).startswith(f"row {place + 1} of credentials cannot be used: ")
    assert problem in unusable.problem
    assert unusable.name in ("", "c9")
    assert client.unusable_rows == (unusable,)
    assert [(each.code, each.message) for each in client.list_warnings] == [
        ("KT519", f"{unusable}; it is left out")
    ]


def test_two_rows_without_an_id_are_two_rows(asked):
    """They count, so that a total is compared with all rows."""
    client, _ = asked(
        httpx.Response(200, json={"data": [{"name": "a"}, {"name": "a"}], "meta": {"total": 2}})
    )
    assert [(each.number, each.name) for each in client.list_credentials().unusable_rows] == [
        (1, "a"),
        (2, "a"),
    ]


def test_an_incomplete_list_is_read_again(asked):
    """Concurrent changes shift pages."""
    client, queries = asked(list_page(1, total=2), list_page(1, 2, total=2))
    assert len(client.list_credentials().records) == 2
    assert len(queries) == 2


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_list_is_a_wrong_address(asked, status):
    """It is never an empty workspace."""
    client, _ = asked(httpx.Response(status))
    with pytest.raises(NotFound) as caught:
        client.list_credentials()
    assert caught.value.diagnostic_code == "KT516"
    assert "base_url" in caught.value.hint


@pytest.mark.parametrize(("count", "warned"), [(50, True), (500, True), (51, False), (0, False)])
def test_a_full_page_without_a_total_is_a_warning(asked, count, warned):
    """More objects may exist."""
    items = [{"id": f"conn_{number}", "name": f"c{number}", "type": "s3"} for number in range(count)]
    client, _ = asked(httpx.Response(200, json=items))
    found = client.list_connections()
    assert len(found.records) == count
    assert [warning.code for warning in found.warnings] == ["KT515"] * warned


def test_ten_thousand_objects(asked):
    """Twenty pages are read in order."""
    pages = [
        list_page(
            *range(start, start + 500),
            page={"cursor": str(start)} if start < 9500 else {"cursor": None},
            total=10_000,
        )
        for start in range(0, 10_000, 500)
    ]
    client, queries = asked(*pages)
    found = client.list_credentials().records
    assert [record.name for record in found] == [f"c{number}" for number in range(10_000)]
    assert len(queries) == 20


def test_a_leak_in_a_list_is_removed(asked, canary):
    """The records have no secret."""
    row = {
        "id": "cred_1",
        "name": "x",
        "type": "password",
        "config": {"password": canary("pem"), "username": "u"},
    }
    client, _ = asked(httpx.Response(200, json={"data": [row]}))
    (record,) = client.list_credentials().records
    assert record.config == {"username": "u"}
    assert record.leaked_fields == (("config", "password"),)
    canary.record("the record", repr(record))
    assert json.dumps(dict(record.extra)) == "{}"
