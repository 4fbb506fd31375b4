"""The review of a workspace in each of its forms."""

from collections.abc import Callable, Mapping
from typing import Final

from keyturn.model.usage import UsageReport
from keyturn.views.forms import select_format
from keyturn.views.reports.usage import (
    render_usage_csv,
    render_usage_json,
    render_usage_markdown,
    render_usage_text,
)
from keyturn.views.reports.usage_html import render_usage_html
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle

USAGE_RENDERERS: Final[Mapping[str, Callable[[UsageReport, TerminalStyle], str]]] = {
    "text": render_usage_text,
    "markdown": lambda review, _: render_usage_markdown(review),
    "csv": lambda review, _: render_usage_csv(review),
    "json": lambda review, _: render_usage_json(review),
    "html": lambda review, _: render_usage_html(review),
}


def render_usage(report: UsageReport, form: str = "text", style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a review in one of its forms; raises ValueError for one that there is not.

    ``csv`` is RFC 4180 and ends its lines with CR LF; ``json`` is as ``schemas/usage.schema.json``
    says; ``html`` is a page with a table that can be searched, and needs nothing else.
    """
    return select_format(USAGE_RENDERERS, form)(report, style)
