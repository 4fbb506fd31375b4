"""The review in each of its forms."""

from datetime import date

import pytest

from keyturn.cli.usage import FORMATS
from keyturn.core.address import Address
from keyturn.core.usage import Reach, Review, Usage
from keyturn.render import usage
from keyturn.render.style import Style
from keyturn.render.usage_forms import FORMS, draw_usage
from keyturn.render.usage_html import usage_html

REVIEW = Review(
    workspace="prod",
    organization="org_1",
    today=date(2026, 3, 1),
    notice=30,
    usages=(Usage(address=Address("credential", "prod-db"), type="oauth", reach=Reach()),),
    notes=("a note",),
)


def test_the_command_line_offers_these():
    """All of them."""
    assert set(FORMS) == set(FORMATS)


def test_each_form_is_drawn_by_its_renderer():
    """And only the one for terminals minds colour and width."""
    style = Style(colour=True, width=60)
    assert draw_usage(REVIEW, "text", style) == usage.usage_text(REVIEW, style) != draw_usage(REVIEW)
    assert {form: draw_usage(REVIEW, form, style) for form in FORMS if form != "text"} == {
        "markdown": usage.usage_markdown(REVIEW),
        "csv": usage.usage_csv(REVIEW),
        "json": usage.usage_json(REVIEW),
        "html": usage_html(REVIEW),
    }


def test_another_form_is_refused():
    """With the names of those there are."""
    with pytest.raises(ValueError, match="csv"):
        draw_usage(REVIEW, "xls")
