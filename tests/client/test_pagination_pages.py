"""Paging: a list is complete, or an error is raised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.pagination import (
    MAX_EMPTY_PAGES,
    MAX_REPEATED_PAGES,
    PAGE_SIZE,
    IncompleteListError,
    ListPage,
    read_all_pages,
)
from keyturn.client.strict_json import ResponseFormatError


def serve(*pages):
    """Return a fetch function that serves these pages in order and records the cursors."""
    asked = []

    def fetch(cursor):
        asked.append(cursor)
        return pages[len(asked) - 1]

    fetch.asked = asked
    return fetch


def rows(*numbers, **fields):
    """Return rows with these IDs."""
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
def test_every_known_cursor_is_followed(meta):
    """At each number that the vendor documents."""
    fetch = serve(
        ListPage(rows=rows(1, 2), meta=meta), ListPage(rows=rows(3), meta={"page": {"cursor": None}})
    )
    found = read_all_pages(fetch)
    assert [row["id"] for row in found.rows] == ["cred_1", "cred_2", "cred_3"]
    assert fetch.asked == ["", "next"]
    assert (found.pages, found.may_be_truncated) == (2, False)


def test_a_cursor_may_be_a_number():
    """An offset is a valid cursor."""
    fetch = serve(ListPage(rows=rows(1), meta={"cursor": 50}), ListPage(rows=rows(2)))
    assert len(read_all_pages(fetch).rows) == 2
    assert fetch.asked == ["", "50"]


def test_an_empty_page_is_not_the_end():
    """Only the cursor ends a list."""
    fetch = serve(ListPage(rows=(), meta={"cursor": "a"}), ListPage(rows=rows(1)))
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
def test_an_incomplete_list_is_an_error(pages):
    """A repeated cursor, a total above the rows, two versions of one object."""
    with pytest.raises(IncompleteListError):
        read_all_pages(serve(*pages))


@pytest.mark.parametrize(
    "page",
    [
        ListPage(rows=rows(1), meta={"cursor": ["a"]}),
        ListPage(rows=rows(1), meta={"cursor": True}),
        ListPage(rows=rows(1), meta={"cursor": "a" * 5000}),
        ListPage(rows=rows(1), meta={"total": "1"}),
        ListPage(rows=rows(1), meta={"total": True}),
        ListPage(rows=rows(1), meta={"total": 1.0}),
    ],
)
def test_invalid_paging_metadata_is_an_error(page):
    """Invalid cursors and totals are not ignored."""
    with pytest.raises(ResponseFormatError):
        read_all_pages(serve(page))


def test_an_object_on_two_pages_counts_once():
    """Objects may shift between pages during a read."""
    fetch = serve(ListPage(rows=rows(1, 2), meta={"cursor": "a"}), ListPage(rows=rows(2, 3)))
    assert [row["id"] for row in read_all_pages(fetch).rows] == ["cred_1", "cred_2", "cred_3"]


@pytest.mark.parametrize(
    ("count", "meta", "is_truncated"),
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
def test_a_full_page_may_be_truncated(count, meta, is_truncated):
    """Without a cursor and a total."""
    assert (
        read_all_pages(serve(ListPage(rows=rows(*range(count)), meta=meta))).may_be_truncated == is_truncated
    )


@pytest.mark.parametrize("page", [ListPage(rows=rows(1), meta={"cursor": "a"})])
def test_the_number_of_pages_is_limited(page, monkeypatch):
    """Endless cursors are an error."""
    monkeypatch.setattr("keyturn.client.pagination.MAX_PAGES", 20)
    served_pages = iter(range(100))
    with pytest.raises(IncompleteListError):
        read_all_pages(lambda _: ListPage(rows=page.rows, meta={"cursor": str(next(served_pages))}))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40, unique=True), st.integers(1, 7))
def test_pages_of_any_size_give_the_same_list(numbers, size):
    """The page size does not change the result."""
    parts = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    metas = [{"page": {"cursor": str(number)}} for number in range(1, len(parts))] + [
        {"page": {"cursor": None}}
    ]
    fetch = serve(*(ListPage(rows=rows(*part), meta=meta) for part, meta in zip(parts, metas, strict=True)))
    assert read_all_pages(fetch).rows == rows(*numbers)


def serve_without_end(pages):
    """Return a fetch function that serves these pages in turn, each with a new cursor, and its calls."""
    asked = []

    def fetch(cursor):
        asked.append(cursor)
        return ListPage(rows=pages[(len(asked) - 1) % len(pages)], meta={"cursor": f"c{len(asked)}"})

    fetch.asked = asked
    return fetch


@given(st.lists(st.lists(st.integers(0, 20), max_size=4, unique=True), min_size=1, max_size=5))
def test_a_list_without_an_end_is_an_error(pages):
    """The first pages again, in any order, with new cursors: noticed after few pages."""
    fetch = serve_without_end([rows(*page) for page in pages])
    with pytest.raises(IncompleteListError, match="without an end"):
        read_all_pages(fetch)
    assert len(fetch.asked) <= len(pages) + max(MAX_EMPTY_PAGES, MAX_REPEATED_PAGES * len(pages)) + 2


def test_an_overlap_is_no_repetition():
    """Objects that are deleted between two pages shift the next ones."""
    pages = [rows(1, 2), rows(1, 2), rows(2, 1), rows(1, 2), rows(2, 3)]
    metas = [{"cursor": str(number)} for number in range(1, len(pages))]
    fetch = serve(*(ListPage(rows=page, meta=meta) for page, meta in zip(pages, [*metas, {}], strict=True)))
    assert len(read_all_pages(fetch).rows) == 3


def test_the_number_of_objects_is_limited(monkeypatch):
    """New objects on each page, for ever."""
    monkeypatch.setattr("keyturn.client.pagination.MAX_OBJECTS", 100)
    counter = iter(range(1000))

    def fetch(_):
        number = next(counter)
        return ListPage(rows=rows(number * 2, number * 2 + 1), meta={"cursor": f"c{number}"})

    with pytest.raises(IncompleteListError, match="more than 100 objects"):
        read_all_pages(fetch)
