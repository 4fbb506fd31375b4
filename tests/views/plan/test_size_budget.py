"""The size budget."""

from hypothesis import given
from hypothesis import strategies as st

from keyturn.views.plan.model import PlanEntry, PlanSection, SectionKind
from keyturn.views.plan.size_budget import FULL_DETAIL, HEADLINES_ONLY, fit_to_budget
from keyturn.views.terminal import Tone


def section(part, size):
    """Return a section of ``size`` entries."""
    entry = PlanEntry(symbol="+", label="x", headline="y", tone=Tone.SUCCESS)
    return PlanSection(kind=part, title=part.value, tone=Tone.SUCCESS, entries=(entry,) * size)


def draw(each, level):
    """Render ten bytes for a detail, two for a line, and the name."""
    shown = len(each.entries[:level])
    return each.kind.value + "d" * (10 * shown if level == FULL_DETAIL else 0) + "l" * 2 * shown


def test_full_detail_within_the_budget():
    """Nothing is omitted."""
    sections = (section(SectionKind.RETIRE, 3), section(SectionKind.CREATE, 3))
    fitted = fit_to_budget(sections, draw, 10_000)
    assert fitted.blocks == tuple(draw(each, FULL_DETAIL) for each in sections)
    assert fitted.omissions == ""


def test_least_risky_section_is_reduced_first():
    """Creations lose details and lines before a retirement loses any."""
    retire, create = section(SectionKind.RETIRE, 5), section(SectionKind.CREATE, 100)
    fitted = fit_to_budget((retire, create), draw, 150)
    assert fitted.blocks == (draw(retire, FULL_DETAIL), draw(create, 30))
    assert fitted.omissions == "most lines of create"


def test_details_are_dropped_before_lines():
    """All lines without details come before a few with details."""
    create = section(SectionKind.CREATE, 100)
    fitted = fit_to_budget((create,), draw, 300)
    assert fitted.blocks == (draw(create, HEADLINES_ONLY),)
    assert fitted.omissions == "the details of create"


def test_small_sections_are_restored():
    """A small section is not reduced because of a large one."""
    update, create = section(SectionKind.UPDATE, 1), section(SectionKind.CREATE, 1000)
    fitted = fit_to_budget((create, update), draw, 200)
    assert fitted.blocks[1] == draw(update, FULL_DETAIL)


def test_titles_stay_above_the_budget():
    """Every section keeps its title."""
    fitted = fit_to_budget((section(SectionKind.RETIRE, 5), section(SectionKind.CREATE, 5)), draw, 1)
    assert fitted.blocks == ("retire", "create")
    assert fitted.omissions == "every line of retire, create"


@given(
    st.dictionaries(st.sampled_from(SectionKind), st.integers(0, 300), min_size=1),
    st.integers(200, 5_000),
)
def test_the_budget_is_kept(sizes, budget):
    """Any sections: within the budget, in order, complete."""
    sections = tuple(section(part, sizes[part]) for part in SectionKind if part in sizes)
    fitted = fit_to_budget(sections, draw, budget)
    assert sum(len(block) + 2 for block in fitted.blocks) <= budget
    assert all(block.startswith(each.kind.value) for block, each in zip(fitted.blocks, sections, strict=True))
