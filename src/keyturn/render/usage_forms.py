"""The review of a workspace in each of its forms."""

from collections.abc import Callable, Mapping
from typing import Final

from keyturn.core.usage import Review
from keyturn.render.forms import chosen
from keyturn.render.style import PLAIN, Style
from keyturn.render.usage import usage_csv, usage_json, usage_markdown, usage_text
from keyturn.render.usage_html import usage_html

FORMS: Final[Mapping[str, Callable[[Review, Style], str]]] = {
    "text": usage_text,
    "markdown": lambda review, _: usage_markdown(review),
    "csv": lambda review, _: usage_csv(review),
    "json": lambda review, _: usage_json(review),
    "html": lambda review, _: usage_html(review),
}


def draw_usage(review: Review, form: str = "text", style: Style = PLAIN) -> str:
    """Return a review in one of its forms; raises ValueError for one that there is not.

    ``csv`` is RFC 4180 and ends its lines with CR LF; ``json`` is as ``schemas/usage.schema.json``
    says; ``html`` is a page with a table that can be searched, and needs nothing else.
    """
    return chosen(FORMS, form)(review, style)
