"""A plan in each of its forms."""

from collections.abc import Callable, Mapping
from typing import Final

from keyturn.core.plan import Plan
from keyturn.render.forms import chosen
from keyturn.render.html import html
from keyturn.render.markdown import markdown
from keyturn.render.markdown import summary as step_summary
from keyturn.render.plan_json import gitlab_report, plan_json
from keyturn.render.style import PLAIN, Style
from keyturn.render.text import text
from keyturn.render.view import view

FORMS: Final[Mapping[str, Callable[[Plan, Style], str]]] = {
    "text": lambda plan, style: text(view(plan), style),
    "json": lambda plan, _: plan_json(plan),
    "markdown": lambda plan, _: markdown(view(plan)),
    "html": lambda plan, _: html(view(plan)),
    "summary": lambda plan, _: step_summary(view(plan)),
    "gitlab": lambda plan, _: gitlab_report(plan),
}


def draw_plan(plan: Plan, form: str = "text", style: Style = PLAIN) -> str:
    """Return a plan in one of its forms; raises ValueError for one that there is not.

    ``text`` is for a terminal and the only one that minds the ``style``; ``markdown`` fits a comment
    on a pull request, ``summary`` GitHub's step summary; ``html`` is a page that needs nothing else;
    ``json`` is as ``schemas/plan.schema.json`` says; ``gitlab`` holds the counts of a merge request.
    """
    return chosen(FORMS, form)(plan, style)
