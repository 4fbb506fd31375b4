"""The rendering benchmark renders real plans."""

from rendering import RENDERERS, measure_rendering


def test_every_format_is_measured():
    """Each format has a measure with the size of its output."""
    measures = list(measure_rendering(resources=50, changes=1))
    assert len(measures) == len(RENDERERS)
    for measure in measures:
        size, unit = measure.note.split()
        assert (unit, int(size.replace(",", "")) > 0) == ("bytes", True)
