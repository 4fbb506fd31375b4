"""The parts of a view."""

from keyturn.render.parts import Part


def test_the_classes_stand_in_the_order_of_their_risk():
    """What exposes, opens or destroys comes before what adds."""
    order = list(Part)
    grave = [Part.EXPOSURE, Part.ACCESS, Part.RETIRE, Part.REPLACE, Part.ROTATE]
    assert order[: len(grave)] == grave
    assert order[-1] is Part.FINDING
