"""The review told."""

import csv
import io
import re
from datetime import date

from hypothesis import given
from markdown_it import MarkdownIt

from keyturn.model.usage import CredentialUsage, CredentialUsers, Expiry, UsageReport
from keyturn.views.reports.usage import (
    USAGE_COLUMNS,
    build_usage_row,
    render_usage_csv,
    render_usage_json,
    render_usage_markdown,
    render_usage_text,
    summarize_usage,
)
from making import credential
from plans import hostile_text
from published import valid

TODAY = date(2026, 3, 1)
OLD = CredentialUsage(
    address=credential("prod-db"),
    type="database",
    file="manifests/prod/credentials/prod-db.yaml",
    status="active",
    owner="data",
    users=CredentialUsers(
        connections=("prod-pg",), pipelines=("nightly",), schedules=2, next_run="2026-03-01T02:00:00Z"
    ),
    rotated=date(2025, 11, 1),
    max_age_days=90,
    expiries=(Expiry("the certificate in certificate", date(2026, 3, 9)),),
    recipients=("age:age1x",),
)
HIDDEN = CredentialUsage(
    address=credential("ui-made"),
    type="oauth",
    users=CredentialUsers(complete=False, pipelines=None, schedules=None),
)
REVIEW = UsageReport(
    workspace="prod",
    organization="org_1",
    today=TODAY,
    notice_days=30,
    usages=(OLD, HIDDEN),
    notes=("a note",),
)


def test_text_tells_each_credential_and_counts():
    """What needs attention comes first; the last line can be parsed."""
    text = render_usage_text(REVIEW)
    assert text.index("prod-db  database  [overdue, expiring]") < text.index("ui-made")
    assert "2025-11-01, 120 days ago, 30 days overdue" in text
    assert "2, next 2026-03-01T02:00:00Z" in text
    assert text.splitlines()[-1] == summarize_usage(REVIEW)
    assert summarize_usage(REVIEW).startswith(
        "Usage: 2 credentials, 1 overdue, 1 expiring, 0 unused, 1 unknown,"
    )


def test_what_is_not_known_is_never_nought():
    """Neither 0 nor none."""
    cells = dict(zip(USAGE_COLUMNS, build_usage_row(REVIEW, HIDDEN), strict=True))
    wanted = {"connections", "pipelines", "schedules", "last rotated", "can decrypt"}
    assert {head for head, cell in cells.items() if cell == "unknown"} == wanted


def test_json_fits_its_schema():
    """And null is what is not known."""
    tree = valid("usage", render_usage_json(REVIEW))
    assert tree["credentials"][0]["overdue_days"] == 30
    hidden = tree["credentials"][1]
    keys = ("used", "pipelines", "schedules", "last_rotated", "readers")
    assert [hidden[key] for key in keys] == [None] * 5


def test_csv_is_read_back_and_holds_no_formula():
    """A spreadsheet computes nothing of a name."""
    odd = CredentialUsage(address=credential("=cmd()"), type="@x", owner="-1+1")
    found = list(csv.reader(io.StringIO(render_usage_csv(UsageReport(**{**_fields(), "usages": (odd,)})))))
    assert found[0] == list(USAGE_COLUMNS)
    assert [found[1][0], found[1][1], found[1][10]] == ["'=cmd()", "'@x", "'-1+1"]


def _fields():
    return {name: getattr(REVIEW, name) for name in UsageReport.__slots__}


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name: one row of as many cells, no markup, no escape, valid JSON."""
    odd = CredentialUsage(
        address=credential(said), type=said, file=said, owner=said, users=CredentialUsers(connections=(said,))
    )
    review = UsageReport(**{**_fields(), "usages": (odd,), "notes": (said,), "workspace": said})
    forbidden = r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]"
    assert not re.search(forbidden, render_usage_text(review))
    tokens = MarkdownIt("commonmark").enable("table").parse(render_usage_markdown(review))
    kinds = [token.type for token in tokens]
    assert kinds.count("td_open") == len(USAGE_COLUMNS)
    assert not {"html_block", "link_open", "image"} & set(kinds)
    valid("usage", render_usage_json(review))
