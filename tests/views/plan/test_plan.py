"""The formats of a plan."""

import json

import pytest

from keyturn.cli.commands.plan import PLAN_FORMATS
from keyturn.views.plan import PLAN_RENDERERS, render_plan
from keyturn.views.plan.builder import build_view
from keyturn.views.plan.html import render_plan_html
from keyturn.views.plan.json import render_gitlab_report, render_plan_json
from keyturn.views.plan.markdown import render_plan_markdown, render_step_summary
from keyturn.views.plan.text import render_plan_text
from keyturn.views.terminal import TerminalStyle
from sample_plans import CASES

PLAN = CASES["everything"]


def test_the_command_line_offers_all_formats():
    """Except internal ones."""
    assert set(PLAN_RENDERERS) == set(PLAN_FORMATS)


def test_each_format_has_its_renderer():
    """Only formats for people use the style."""
    seen, style = build_view(PLAN), TerminalStyle(color=True, width=60)
    assert render_plan(PLAN) == render_plan_text(seen)
    assert render_plan(PLAN, "text", style) == render_plan_text(seen, style) != render_plan_text(seen)
    drawn = {form: render_plan(PLAN, form, style) for form in PLAN_RENDERERS if form != "text"}
    assert drawn == {
        "json": render_plan_json(PLAN),
        "markdown": render_plan_markdown(seen),
        "summary": render_step_summary(seen),
        "html": render_plan_html(seen),
        "gitlab": render_gitlab_report(PLAN),
    }
    assert json.loads(drawn["json"])
    assert json.loads(drawn["gitlab"])


def test_an_unknown_format_is_an_error():
    """The message lists the formats."""
    with pytest.raises(ValueError, match="markdown"):
        render_plan(PLAN, "md")
