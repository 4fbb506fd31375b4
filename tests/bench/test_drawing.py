"""The drawings are measured on plans that are drawn for real."""

from drawing import FORMS, drawings


def test_every_form_is_drawn_and_told_with_its_size():
    """A line for each form, with the bytes it takes."""
    found = list(drawings(resources=50, changes=1))
    assert len(found) == len(FORMS)
    assert all(each.note.endswith(" bytes") and not each.note.startswith("0 ") for each in found)
