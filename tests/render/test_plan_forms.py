"""A plan in each of its forms."""

import json

import pytest

from keyturn.cli.plan import FORMATS
from keyturn.render.html import html
from keyturn.render.markdown import markdown, summary
from keyturn.render.plan_forms import FORMS, draw_plan
from keyturn.render.plan_json import gitlab_report, plan_json
from keyturn.render.style import Style
from keyturn.render.text import text
from keyturn.render.view import view
from plans import CASES

PLAN = CASES["everything"]


def test_the_command_line_offers_these():
    """All of them, whatever their order."""
    assert set(FORMS) == set(FORMATS)


def test_each_form_is_drawn_by_its_renderer():
    """And only the one for terminals minds colour and width."""
    seen, style = view(PLAN), Style(colour=True, width=60)
    assert draw_plan(PLAN) == text(seen)
    assert draw_plan(PLAN, "text", style) == text(seen, style) != text(seen)
    drawn = {form: draw_plan(PLAN, form, style) for form in FORMS if form != "text"}
    assert drawn == {
        "json": plan_json(PLAN),
        "markdown": markdown(seen),
        "summary": summary(seen),
        "html": html(seen),
        "gitlab": gitlab_report(PLAN),
    }
    assert json.loads(drawn["json"])
    assert json.loads(drawn["gitlab"])


def test_another_form_is_refused():
    """With the names of those there are."""
    with pytest.raises(ValueError, match="markdown"):
        draw_plan(PLAN, "md")
