"""Pages of lists, and the paging errors."""

import itertools

import pytest


@pytest.fixture
def filled(start):
    """Start an emulator with seven credentials, read two at a time."""

    def begin(**options):
        api = start(page_size=2, **options)
        made = [{"name": f"c{number}", "type": "aws", "config": {}} for number in range(7)]
        api.emulator.seed_objects(credentials=made)
        return api

    return begin


def _pages(api, most=20):
    cursor = None
    for _ in range(most):
        page = api.get("/api/credentials", **({"cursor": cursor} if cursor else {})).json()
        yield [each["name"] for each in page["data"]]
        cursor = page["meta"]["page"]["cursor"]
        if cursor is None:
            return


NAMES = [f"c{number}" for number in range(7)]


def test_cursors_lead_through_the_whole_list(filled):
    """The cursors lead through all rows once, in the order of creation."""
    assert list(_pages(filled())) == [["c0", "c1"], ["c2", "c3"], ["c4", "c5"], ["c6"]]


def test_a_full_last_page_has_no_cursor(start):
    """A full last page has no cursor."""
    api = start(page_size=2)
    api.emulator.seed_objects(credentials=[{"name": name, "type": "aws", "config": {}} for name in "ab"])
    assert list(_pages(api)) == [["a", "b"]]


@pytest.mark.parametrize(("limit", "rows", "told"), [("3", 3, 3), ("500", 7, 500), ("100000", 7, 500)])
def test_a_limit_may_be_asked_for(filled, limit, rows, told):
    """The requested limit applies up to the maximum."""
    page = filled().get("/api/credentials", limit=limit).json()
    assert (len(page["data"]), page["meta"]["page"]["limit"]) == (rows, told)


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "-1"}, {"limit": "x"}, {"limit": ""}, {"cursor": "%"}, {"cursor": "/w"}],
)
def test_invalid_input_is_rejected(filled, query):
    """An invalid limit and an unknown cursor are 400."""
    assert filled().get("/api/credentials", **query).status_code == 400


def test_a_page_may_be_lost(filled):
    """The paging trouble `lost` skips a page."""
    rows = list(itertools.chain.from_iterable(_pages(filled(paging_trouble="lost"))))
    assert len(rows) < len(NAMES)


def test_a_cursor_can_repeat(filled):
    """The paging trouble `loop` returns the same cursor again and again."""
    assert len(list(_pages(filled(paging_trouble="loop")))) == 20


def test_rows_may_be_repeated(filled):
    """The paging trouble `repeat` repeats rows."""
    rows = list(itertools.chain.from_iterable(_pages(filled(paging_trouble="repeat"))))
    assert sorted(set(rows)) == NAMES
    assert len(rows) > len(NAMES)


def test_a_cursor_may_expire(filled):
    """An expired cursor is rejected."""
    api = filled(paging_trouble="expired")
    cursor = api.get("/api/credentials").json()["meta"]["page"]["cursor"]
    assert api.get("/api/credentials", cursor=cursor).json()["error"]["code"] == "cursor_expired"


def test_a_total_may_be_larger_than_the_rows(start):
    """The setting `total_excess` increases the total."""
    api = start(total_excess=3)
    api.connection()
    assert api.get("/api/connections").json()["meta"]["total"] == 4


def test_connections_may_have_pages(start):
    """The list of connections has pages only with its own page size."""
    api = start(connection_page_size=1)
    first = api.connection()
    second = api.connection(name="b")
    page = api.get("/api/connections").json()
    assert [each["id"] for each in page["data"]] == [first]
    assert page["meta"]["total"] == 2
    more = api.get("/api/connections", cursor=page["meta"]["page"]["cursor"]).json()
    assert [each["id"] for each in more["data"]] == [second]
    assert more["meta"] == {"total": 2, "page": {"limit": 1, "cursor": None}}


def test_a_lagging_list_filters_too(start):
    """Filters apply to a lagging list, too."""
    api = start(list_lag_requests=1)
    api.connection()
    api.connection(name="landing", type="s3", config={"bucket": "b"})
    api.connection(name="archive", type="s3", config={"bucket": "b"})
    api.get("/api/connections")
    api.emulator.change_settings(hidden=["archive"])
    assert [each["name"] for each in api.get("/api/connections", type="s3").json()["data"]] == ["landing"]
    assert [each["name"] for each in api.get("/api/connections", search="PG").json()["data"]] == ["prod-pg"]


def test_a_lagging_list_pages_too(filled):
    """A lagging list has pages, too."""
    api = filled(list_lag_requests=1)
    list(_pages(api))
    assert list(itertools.chain.from_iterable(_pages(api))) == NAMES
