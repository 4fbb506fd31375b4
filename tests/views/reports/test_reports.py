"""The review in each of its forms."""

from datetime import date

import pytest

from keyturn.cli.commands.usage import USAGE_FORMATS
from keyturn.model.address import Address
from keyturn.model.usage import CredentialUsage, CredentialUsers, UsageReport
from keyturn.views.reports import USAGE_RENDERERS, render_usage, usage
from keyturn.views.reports.usage_html import render_usage_html
from keyturn.views.terminal import TerminalStyle

REVIEW = UsageReport(
    workspace="prod",
    organization="org_1",
    today=date(2026, 3, 1),
    notice_days=30,
    usages=(
        CredentialUsage(address=Address("credential", "prod-db"), type="oauth", users=CredentialUsers()),
    ),
    notes=("a note",),
)


def test_the_command_line_offers_these():
    """All of them."""
    assert set(USAGE_RENDERERS) == set(USAGE_FORMATS)


def test_each_form_is_drawn_by_its_renderer():
    """And only the one for terminals minds colour and width."""
    style = TerminalStyle(color=True, width=60)
    assert (
        render_usage(REVIEW, "text", style) == usage.render_usage_text(REVIEW, style) != render_usage(REVIEW)
    )
    assert {form: render_usage(REVIEW, form, style) for form in USAGE_RENDERERS if form != "text"} == {
        "markdown": usage.render_usage_markdown(REVIEW),
        "csv": usage.render_usage_csv(REVIEW),
        "json": usage.render_usage_json(REVIEW),
        "html": render_usage_html(REVIEW),
    }


def test_another_form_is_refused():
    """With the names of those there are."""
    with pytest.raises(ValueError, match="csv"):
        render_usage(REVIEW, "xls")
