"""The budget."""

from hypothesis import given
from hypothesis import strategies as st

from keyturn.render.fit import FULL, HEADS, fit
from keyturn.render.parts import Entry, Part, Section, Tone


def section(part, size):
    """Return a section of ``size`` entries."""
    entry = Entry(symbol="+", label="x", headline="y", tone=Tone.GAIN)
    return Section(part=part, title=part.value, tone=Tone.GAIN, entries=(entry,) * size)


def draw(each, level):
    """Draw ten bytes a detail, two a line, and the name always."""
    shown = len(each.entries[:level])
    return each.part.value + "d" * (10 * shown if level == FULL else 0) + "l" * 2 * shown


def test_what_fits_is_drawn_in_full():
    """Nothing is left out without need, and nothing is said."""
    sections = (section(Part.RETIRE, 3), section(Part.CREATE, 3))
    fitted = fit(sections, draw, 10_000)
    assert fitted.blocks == tuple(draw(each, FULL) for each in sections)
    assert fitted.said == ""


def test_the_least_risky_loses_first():
    """Creations lose their details, then their lines, before a retirement loses anything."""
    retire, create = section(Part.RETIRE, 5), section(Part.CREATE, 100)
    fitted = fit((retire, create), draw, 150)
    assert fitted.blocks == (draw(retire, FULL), draw(create, 30))
    assert fitted.said == "most lines of create"


def test_details_go_before_lines():
    """Every line with no details is better than a few with them."""
    create = section(Part.CREATE, 100)
    fitted = fit((create,), draw, 300)
    assert fitted.blocks == (draw(create, HEADS),)
    assert fitted.said == "the details of create"


def test_what_was_taken_is_given_back_where_room_is_left():
    """A small class is not cut for the sake of a large one."""
    update, create = section(Part.UPDATE, 1), section(Part.CREATE, 1000)
    fitted = fit((create, update), draw, 200)
    assert fitted.blocks[1] == draw(update, FULL)


def test_where_nothing_fits_the_numbers_stay():
    """A class never goes."""
    fitted = fit((section(Part.RETIRE, 5), section(Part.CREATE, 5)), draw, 1)
    assert fitted.blocks == ("retire", "create")
    assert fitted.said == "every line of retire, create"


@given(
    st.dictionaries(st.sampled_from(Part), st.integers(0, 300), min_size=1),
    st.integers(200, 5_000),
)
def test_the_budget_is_kept(sizes, budget):
    """For any sections: within the budget, in their order, each of them there."""
    sections = tuple(section(part, sizes[part]) for part in Part if part in sizes)
    fitted = fit(sections, draw, budget)
    assert sum(len(block) + 2 for block in fitted.blocks) <= budget
    assert all(block.startswith(each.part.value) for block, each in zip(fitted.blocks, sections, strict=True))
