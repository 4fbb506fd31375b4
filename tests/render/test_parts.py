"""The parts of a view."""

import pytest

from keyturn.render.html import html
from keyturn.render.markdown import markdown
from keyturn.render.parts import Part
from keyturn.render.text import text
from keyturn.render.view import view
from plans import CREATE, plan


def test_the_classes_stand_in_the_order_of_their_risk():
    """What exposes, opens or destroys comes before what adds."""
    order = list(Part)
    grave = [Part.EXPOSURE, Part.ACCESS, Part.RETIRE, Part.REPLACE, Part.ROTATE]
    assert order[: len(grave)] == grave
    assert order[-1] is Part.FINDING


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
def test_the_cost_has_a_time_where_there_is_a_pace(requests, pace, said):
    """The same sentence on a terminal, in a comment and on a page."""
    shown = view(plan(CREATE, requests=requests, pace=pace))
    assert shown.cost == said
    assert all(said in drawn for drawn in (text(shown), markdown(shown), html(shown)))
