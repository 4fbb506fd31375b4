"""The review told."""

import csv
import io
import re
from datetime import date

from hypothesis import given
from markdown_it import MarkdownIt

from keyturn.core.usage import Ending, Reach, Review, Usage
from keyturn.render.usage import HEADS, row, total, usage_csv, usage_json, usage_markdown, usage_text
from making import credential
from plans import hostile_text
from published import valid

TODAY = date(2026, 3, 1)
OLD = Usage(
    address=credential("prod-db"),
    type="database",
    file="manifests/prod/credentials/prod-db.yaml",
    status="active",
    owner="data",
    reach=Reach(
        connections=("prod-pg",), pipelines=("nightly",), schedules=2, next_run="2026-03-01T02:00:00Z"
    ),
    rotated=date(2025, 11, 1),
    max_age_days=90,
    endings=(Ending("the certificate in certificate", date(2026, 3, 9)),),
    readers=("age:age1x",),
)
HIDDEN = Usage(
    address=credential("ui-made"), type="oauth", reach=Reach(complete=False, pipelines=None, schedules=None)
)
REVIEW = Review(
    workspace="prod", organization="org_1", today=TODAY, notice=30, usages=(OLD, HIDDEN), notes=("a note",)
)


def test_text_tells_each_credential_and_counts():
    """What needs attention comes first; the last line can be parsed."""
    text = usage_text(REVIEW)
    assert text.index("prod-db  database  [overdue, expiring]") < text.index("ui-made")
    assert "2025-11-01, 120 days ago, 30 days overdue" in text
    assert "2, next 2026-03-01T02:00:00Z" in text
    assert text.splitlines()[-1] == total(REVIEW)
    assert total(REVIEW).startswith("Usage: 2 credentials, 1 overdue, 1 expiring, 0 unused, 1 unknown,")


def test_what_is_not_known_is_never_nought():
    """Neither 0 nor none."""
    cells = dict(zip(HEADS, row(REVIEW, HIDDEN), strict=True))
    wanted = {"connections", "pipelines", "schedules", "last rotated", "can decrypt"}
    assert {head for head, cell in cells.items() if cell == "unknown"} == wanted


def test_json_fits_its_schema():
    """And null is what is not known."""
    tree = valid("usage", usage_json(REVIEW))
    assert tree["credentials"][0]["overdue_days"] == 30
    hidden = tree["credentials"][1]
    keys = ("used", "pipelines", "schedules", "last_rotated", "readers")
    assert [hidden[key] for key in keys] == [None] * 5


def test_csv_is_read_back_and_holds_no_formula():
    """A spreadsheet computes nothing of a name."""
    odd = Usage(address=credential("=cmd()"), type="@x", owner="-1+1")
    found = list(csv.reader(io.StringIO(usage_csv(Review(**{**_fields(), "usages": (odd,)})))))
    assert found[0] == list(HEADS)
    assert [found[1][0], found[1][1], found[1][10]] == ["'=cmd()", "'@x", "'-1+1"]


def _fields():
    return {name: getattr(REVIEW, name) for name in Review.__slots__}


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name: one row of as many cells, no markup, no escape, valid JSON."""
    odd = Usage(address=credential(said), type=said, file=said, owner=said, reach=Reach(connections=(said,)))
    review = Review(**{**_fields(), "usages": (odd,), "notes": (said,), "workspace": said})
    forbidden = r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]"
    assert not re.search(forbidden, usage_text(review))
    tokens = MarkdownIt("commonmark").enable("table").parse(usage_markdown(review))
    kinds = [token.type for token in tokens]
    assert kinds.count("td_open") == len(HEADS)
    assert not {"html_block", "link_open", "image"} & set(kinds)
    valid("usage", usage_json(review))
