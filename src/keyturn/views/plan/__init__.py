"""Plans as text, JSON, Markdown, HTML, a step summary or a GitLab report."""

from collections.abc import Callable, Mapping
from typing import Final

from keyturn.model.plan import Plan
from keyturn.views.plan.builder import build_view
from keyturn.views.plan.text import render_plan_text
from keyturn.views.report_formats import render_in_format
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle

# The renderers of the other formats are imported on use, so text output does not load them.


def render_plan(plan: Plan, format_name: str = "text", style: TerminalStyle = PLAIN_STYLE) -> str:
    """Return a plan in one of the formats; raises ValueError for another.

    ``text`` is for a terminal and the only format with a ``style``; ``markdown`` fits a pull request
    comment, ``summary`` a GitHub step summary; ``html`` is a self-contained page; ``json`` follows
    ``schemas/plan.schema.json``; ``gitlab`` has the counts of a merge request.
    """
    return render_in_format(PLAN_RENDERERS, plan, format_name, style)


def _render_text(plan: Plan, style: TerminalStyle) -> str:
    return render_plan_text(build_view(plan), style)


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
    "text": _render_text,
    "json": _render_json,
    "markdown": _render_markdown,
    "html": _render_html,
    "summary": _render_step_summary,
    "gitlab": _render_gitlab,
}
"""The renderers of a plan by format name."""
