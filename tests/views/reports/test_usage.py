"""The usage report."""

import csv
import io
import re
from datetime import date

from hypothesis import given
from markdown_it import MarkdownIt
from msgspec.structs import replace

from keyturn.cli.commands.usage import USAGE_FORMATS
from keyturn.model.usage import CredentialUsage, CredentialUsers, Expiry, UsageReport
from keyturn.views.reports.usage import USAGE_RENDERERS, render_usage
from keyturn.views.reports.usage_cells import USAGE_COLUMNS, summarize_usage
from published_schemas import parse_valid
from sample_plans import hostile_texts
from sample_resources import credential_address

TODAY = date(2026, 3, 1)
OLD = CredentialUsage(
    address=credential_address("prod-db"),
    type="database",
    file="manifests/prod/credentials/prod-db.yaml",
    status="active",
    owner="data",
    users=CredentialUsers(
        connections=("prod-pg",), pipelines=("nightly",), schedules=2, next_run="2026-03-01T02:00:00Z"
    ),
    rotated=date(2025, 11, 1),
    max_age_days=90,
    expiries=(Expiry("certificate (field certificate)", date(2026, 3, 9)),),
    recipients=("age:age1x",),
)
HIDDEN = CredentialUsage(
    address=credential_address("ui-made"),
    type="oauth",
    users=CredentialUsers(complete=False, pipelines=None, schedules=None),
)
REPORT = UsageReport(
    workspace="prod",
    organization="org_1",
    today=TODAY,
    notice_days=30,
    usages=(OLD, HIDDEN),
    notes=("a note",),
)


def test_the_command_line_offers_all_formats():
    """Their order may differ."""
    assert set(USAGE_RENDERERS) == set(USAGE_FORMATS)


def test_text_has_urgent_credentials_first():
    """The summary is last."""
    text = render_usage(REPORT)
    urgent = text.index("prod-db  database  [overdue, expiring]")
    assert urgent < text.index("ui-made  oauth  [unknown, needs-consent, unmanaged]")
    assert "2025-11-01, 120 days ago, 30 days overdue" in text
    assert "2, next 2026-03-01T02:00:00Z" in text
    assert text.splitlines()[-1] == summarize_usage(REPORT)
    assert summarize_usage(REPORT) == (
        "Usage: 2 credentials, 1 overdue, 1 expiring, 0 unused, 1 unknown, 0 long-lived, 1 needs-consent, "
        "1 unmanaged."
    )


def test_json_fits_its_schema():
    """An unknown value is null."""
    tree = parse_valid("usage", render_usage(REPORT, "json"))
    assert tree["credentials"][0]["overdue_days"] == 30
    hidden = tree["credentials"][1]
    keys = ("used", "pipelines", "schedules", "last_rotated", "readers")
    assert [hidden[key] for key in keys] == [None] * 5


def test_csv_is_read_back_and_holds_no_formula():
    """A spreadsheet evaluates no name."""
    odd = CredentialUsage(address=credential_address("=cmd()"), type="@x", owner="-1+1")
    found = list(csv.reader(io.StringIO(render_usage(replace(REPORT, usages=(odd,)), "csv"))))
    assert found[0] == list(USAGE_COLUMNS)
    assert [found[1][0], found[1][1], found[1][10]] == ["'=cmd()", "'@x", "'-1+1"]


@given(hostile_texts())
def test_any_text_is_harmless(name):
    """No control characters, no CI runner command."""
    odd = CredentialUsage(
        address=credential_address(name),
        type=name,
        file=name,
        owner=name,
        users=CredentialUsers(connections=(name,)),
    )
    report = replace(REPORT, usages=(odd,), notes=(name,), workspace=name)
    forbidden = r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]"
    assert not re.search(forbidden, render_usage(report))
    tokens = MarkdownIt("commonmark").enable("table").parse(render_usage(report, "markdown"))
    kinds = [token.type for token in tokens]
    assert kinds.count("td_open") == len(USAGE_COLUMNS)
    assert not {"html_block", "link_open", "image"} & set(kinds)
    parse_valid("usage", render_usage(report, "json"))
