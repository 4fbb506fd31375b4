"""A plan in each of its forms."""

from collections.abc import Callable, Mapping
from typing import Final

from keyturn.model.plan import Plan
from keyturn.views.forms import select_format
from keyturn.views.plan.builder import build_view
from keyturn.views.plan.text import render_plan_text
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle

# Who reads a plan on a terminal waits for no other form of it: below, each is imported where it is drawn.


def _render_json(plan: Plan, _: TerminalStyle) -> str:
    from keyturn.views.plan.json import render_plan_json  # noqa: PLC0415

    return render_plan_json(plan)


def _render_markdown(plan: Plan, _: TerminalStyle) -> str:
    from keyturn.views.plan.markdown import render_plan_markdown  # noqa: PLC0415

    return render_plan_markdown(build_view(plan))


def _render_html(plan: Plan, _: TerminalStyle) -> str:
    from keyturn.views.plan.html import render_plan_html  # noqa: PLC0415

    return render_plan_html(build_view(plan))


def _render_step_summary(plan: Plan, _: TerminalStyle) -> str:
    from keyturn.views.plan.markdown import render_step_summary  # noqa: PLC0415

    return render_step_summary(build_view(plan))


def _render_gitlab(plan: Plan, _: TerminalStyle) -> str:
    from keyturn.views.plan.json import render_gitlab_report  # noqa: PLC0415

    return render_gitlab_report(plan)


PLAN_RENDERERS: Final[Mapping[str, Callable[[Plan, TerminalStyle], str]]] = {
    "text": lambda plan, style: render_plan_text(build_view(plan), style),
    "json": _render_json,
    "markdown": _render_markdown,
    "html": _render_html,
    "summary": _render_step_summary,
    "gitlab": _render_gitlab,
}


def render_plan(plan: Plan, form: str = "text", style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a plan in one of its forms; raises ValueError for one that there is not.

    ``text`` is for a terminal and the only one that minds the ``style``; ``markdown`` fits a comment
    on a pull request, ``summary`` GitHub's step summary; ``html`` is a page that needs nothing else;
    ``json`` is as ``schemas/plan.schema.json`` says; ``gitlab`` holds the counts of a merge request.
    """
    return select_format(PLAN_RENDERERS, form)(plan, style)
