"""A plan in each of its forms."""

from collections.abc import Callable, Mapping
from typing import Final

from keyturn.core.plan import Plan
from keyturn.render.forms import chosen
from keyturn.render.style import PLAIN, Style
from keyturn.render.text import text
from keyturn.render.view import view

# Who reads a plan on a terminal waits for no other form of it: below, each is imported where it is drawn.


def _json(plan: Plan, _: Style) -> str:
    from keyturn.render.plan_json import plan_json  # noqa: PLC0415

    return plan_json(plan)


def _markdown(plan: Plan, _: Style) -> str:
    from keyturn.render.markdown import markdown  # noqa: PLC0415

    return markdown(view(plan))


def _html(plan: Plan, _: Style) -> str:
    from keyturn.render.html import html  # noqa: PLC0415

    return html(view(plan))


def _summary(plan: Plan, _: Style) -> str:
    from keyturn.render.markdown import summary  # noqa: PLC0415

    return summary(view(plan))


def _gitlab(plan: Plan, _: Style) -> str:
    from keyturn.render.plan_json import gitlab_report  # noqa: PLC0415

    return gitlab_report(plan)


FORMS: Final[Mapping[str, Callable[[Plan, Style], str]]] = {
    "text": lambda plan, style: text(view(plan), style),
    "json": _json,
    "markdown": _markdown,
    "html": _html,
    "summary": _summary,
    "gitlab": _gitlab,
}


def draw_plan(plan: Plan, form: str = "text", style: Style = PLAIN) -> str:
    """Return a plan in one of its forms; raises ValueError for one that there is not.

    ``text`` is for a terminal and the only one that minds the ``style``; ``markdown`` fits a comment
    on a pull request, ``summary`` GitHub's step summary; ``html`` is a page that needs nothing else;
    ``json`` is as ``schemas/plan.schema.json`` says; ``gitlab`` holds the counts of a merge request.
    """
    return chosen(FORMS, form)(plan, style)
