"""The parts of a plan view."""

import pytest

from keyturn.views.plan.builder import build_view
from keyturn.views.plan.html import render_plan_html
from keyturn.views.plan.markdown import render_plan_markdown
from keyturn.views.plan.model import SectionKind
from keyturn.views.plan.text import render_plan_text
from sample_plans import CREATE, make_plan


def test_section_kinds_are_ordered_by_risk():
    """Exposures first, diagnostics last."""
    order = list(SectionKind)
    grave = [
        SectionKind.EXPOSURE,
        SectionKind.ACCESS,
        SectionKind.RETIRE,
        SectionKind.REPLACE,
        SectionKind.ROTATE,
    ]
    assert order[: len(grave)] == grave
    assert order[-1] is SectionKind.DIAGNOSTIC


@pytest.mark.parametrize(
    ("requests", "pace", "said"),
    [
        (0, 8.0, ""),
        (310, 0.0, "An apply makes about 310 requests."),
        (310, 8.0, "An apply makes about 310 requests, 39 s at 8/s."),
        (3, 0.5, "An apply makes about 3 requests, 6 s at 0.5/s."),
        (30_000, 2.5, "An apply makes about 30,000 requests, 200 min at 2.5/s."),
    ],
)
def test_cost_has_a_duration_if_there_is_a_pace(requests, pace, said):
    """The same sentence in text, Markdown and HTML."""
    shown = build_view(make_plan(CREATE, requests=requests, requests_per_second=pace))
    assert shown.cost_summary == said
    assert all(
        said in drawn
        for drawn in (render_plan_text(shown), render_plan_markdown(shown), render_plan_html(shown))
    )
