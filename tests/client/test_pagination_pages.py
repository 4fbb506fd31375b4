"""A list is complete or it failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.pagination import PAGE_SIZE, IncompleteListError, ListPage, read_all_pages
from keyturn.client.strict_json import ResponseFormatError


def served(*pages):
    """Return a fetch that serves these pages in order, each at the cursor that the one before named."""
    asked = []

    def fetch(cursor):
        asked.append(cursor)
        return pages[len(asked) - 1]

    fetch.asked = asked
    return fetch


def rows(*numbers, **fields):
    """Return rows with these ids."""
    return tuple({"id": f"cred_{number}", **fields} for number in numbers)


@pytest.mark.parametrize(
    "meta",
    [
        {"page": {"cursor": "next"}},
        {"cursor": "next"},
        {"next_cursor": "next"},
        {"nextCursor": "next"},
        {"page": {"cursor": None}, "cursor": "next"},
    ],
)
def test_follows_every_known_cursor(meta):
    """The cursor is found wherever the vendor's pages put it."""
    fetch = served(
        ListPage(rows=rows(1, 2), meta=meta), ListPage(rows=rows(3), meta={"page": {"cursor": None}})
    )
    found = read_all_pages(fetch)
    assert [row["id"] for row in found.rows] == ["cred_1", "cred_2", "cred_3"]
    assert fetch.asked == ["", "next"]
    assert (found.pages, found.may_be_truncated) == (2, False)


def test_a_cursor_may_be_a_number():
    """An offset serves as a cursor."""
    fetch = served(ListPage(rows=rows(1), meta={"cursor": 50}), ListPage(rows=rows(2)))
    assert len(read_all_pages(fetch).rows) == 2
    assert fetch.asked == ["", "50"]


def test_an_empty_page_is_not_the_end():
    """Only the cursor says whether there is more."""
    fetch = served(ListPage(rows=(), meta={"cursor": "a"}), ListPage(rows=rows(1)))
    assert len(read_all_pages(fetch).rows) == 1


@pytest.mark.parametrize(
    "pages",
    [
        [ListPage(rows=rows(1), meta={"cursor": "a"}), ListPage(rows=rows(2), meta={"cursor": "a"})],
        [
            ListPage(rows=rows(1), meta={"cursor": "a"}),
            ListPage(rows=rows(2), meta={"cursor": "b"}),
            ListPage(rows=rows(3), meta={"cursor": "a"}),
        ],
        [ListPage(rows=rows(1, 2), meta={"total": 3})],
        [ListPage(rows=(), meta={"total": 1})],
        [ListPage(rows=rows(1), meta={"page": {"total": 2}})],
        [
            ListPage(rows=rows(1, 2), meta={"total": 3, "cursor": "a"}),
            ListPage(rows=rows(2), meta={"total": 3}),
        ],
        [ListPage(rows=rows(1, 2), meta={"total": 3, "cursor": "a"}), ListPage(rows=rows(2))],
        [ListPage(rows=rows(1, name="a"), meta={"cursor": "a"}), ListPage(rows=rows(1, name="b"))],
        [ListPage(rows=(*rows(1, name="a"), *rows(1, name="b")))],
    ],
)
def test_a_list_that_is_not_whole_is_an_error(pages):
    """A cursor that comes twice, a total above the rows, one id with two contents: never a shorter list."""
    with pytest.raises(IncompleteListError):
        read_all_pages(served(*pages))


@pytest.mark.parametrize(
    "page",
    [
        ListPage(rows=rows(1), meta={"cursor": ["a"]}),
        ListPage(rows=rows(1), meta={"cursor": True}),
        ListPage(rows=rows(1), meta={"cursor": "a" * 5000}),
        ListPage(rows=rows(1), meta={"total": "1"}),
        ListPage(rows=rows(1), meta={"total": True}),
        ListPage(rows=rows(1), meta={"total": 1.0}),
        ListPage(rows=({"name": "x"},)),
        ListPage(rows=({"id": ""},)),
        ListPage(rows=({"id": ["a"]},)),
    ],
)
def test_nonsense_about_paging_is_not_understood(page):
    """A cursor, total or id that is none is an error and not ignored."""
    with pytest.raises(ResponseFormatError):
        read_all_pages(served(page))


def test_the_same_object_on_two_pages_counts_once():
    """Objects that shift from one page to the next while we read come once."""
    fetch = served(ListPage(rows=rows(1, 2), meta={"cursor": "a"}), ListPage(rows=rows(2, 3)))
    assert [row["id"] for row in read_all_pages(fetch).rows] == ["cred_1", "cred_2", "cred_3"]


@pytest.mark.parametrize(
    ("count", "meta", "cut"),
    [
        (PAGE_SIZE, {}, True),
        (50, {}, True),
        (100, {}, True),
        (7, {"page": {"limit": 7}}, True),
        (7, {"page": {"limit": [7]}}, False),
        (50, {"page": ["limit"]}, True),
        (7, {}, False),
        (0, {}, False),
        (50, {"total": 50}, False),
        (50, {"page": {"limit": 50, "cursor": None}}, False),
    ],
)
def test_as_many_as_fit_with_no_word_of_more_is_suspicious(count, meta, cut):
    """A full page without cursor and total may be a cut list."""
    assert read_all_pages(served(ListPage(rows=rows(*range(count)), meta=meta))).may_be_truncated == cut


@pytest.mark.parametrize("page", [ListPage(rows=rows(1), meta={"cursor": "a"})])
def test_ends_even_if_cursors_never_do(page, monkeypatch):
    """A service that always names a new cursor is given up on."""
    monkeypatch.setattr("keyturn.client.pagination.MAX_PAGES", 20)
    served_pages = iter(range(100))
    with pytest.raises(IncompleteListError):
        read_all_pages(lambda _: ListPage(rows=page.rows, meta={"cursor": str(next(served_pages))}))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40, unique=True), st.integers(1, 7))
def test_pages_of_any_size_give_the_same_list(numbers, size):
    """However a list is cut into pages, it is the same list."""
    parts = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    metas = [{"page": {"cursor": str(place)}} for place in range(1, len(parts))] + [
        {"page": {"cursor": None}}
    ]
    fetch = served(*(ListPage(rows=rows(*part), meta=meta) for part, meta in zip(parts, metas, strict=True)))
    assert read_all_pages(fetch).rows == rows(*numbers)
