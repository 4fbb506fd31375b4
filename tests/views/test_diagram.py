"""The picture of what depends on what."""

from xml.etree import ElementTree as ET

from hypothesis import given

from keyturn.views.diagram import MAX_COLUMN_BOXES, DependencyLink, draw_dependency_svg
from keyturn.views.plan.builder import build_view
from plans import CASES, hostile_text


def drawn(links, marked):
    """Return the picture as a tree of elements."""
    return ET.fromstring(draw_dependency_svg(links, marked))  # noqa: S314  # our own


def boxes(tree):
    """Return the name of each box and its class."""
    return {group.find("title").text: group.get("class") for group in tree.iter("g")}


def test_nothing_to_draw_is_no_picture():
    """An empty plan has none."""
    assert draw_dependency_svg((), {}) == ""


def test_three_columns_and_what_changes():
    """Credentials, connections, work; what changes stands out by class and by word."""
    shown = build_view(CASES["retire"])
    tree = drawn(shown.links, shown.node_marks)
    assert boxes(tree)["credential/prod-old"] == "danger"
    assert boxes(tree)["connection/made-in-the-ui"] == "unchanged"
    assert [text.text for text in tree.iter("text") if text.get("class") == "column"] == [
        "Credentials",
        "Connections",
        "Pipelines and syncs",
    ]
    assert "retire" in [text.text for text in tree.iter("text") if text.get("class") == "mark"]
    assert len(tree.findall("path")) == len(shown.links)


def test_a_screen_reader_is_told_the_same():
    """What changes and what uses what, in words."""
    tree = drawn((DependencyLink("credential/a", "connection/b"),), {"credential/a": "rotate"})
    assert tree.get("role") == "img"
    assert tree.find("desc").text == "credential/a: rotate; connection/b uses credential/a."


def test_what_is_not_drawn_is_counted():
    """A large plan has a bounded picture, what changes first."""
    links = tuple(
        DependencyLink("credential/a", f"connection/{number:03}") for number in range(MAX_COLUMN_BOXES + 30)
    )
    last = f"connection/{MAX_COLUMN_BOXES + 29:03}"
    tree = drawn(links, {last: "update"})
    assert last in boxes(tree)
    assert len(boxes(tree)) == MAX_COLUMN_BOXES + 1
    assert [text.text for text in tree.iter("text")][-1] == "30 more are not drawn"


def test_a_long_name_is_shortened_and_kept_in_the_title():
    """The box holds what fits, the title all of it."""
    tree = drawn((), {"credential/" + "n" * 80: "create"})
    name = next(text.text for text in tree.iter("text") if text.text.startswith("n"))
    assert name.endswith("…")
    assert "credential/" + "n" * 80 in boxes(tree)


@given(hostile_text())
def test_any_name_is_text(said):
    """For any name: well-formed, and no element that is not ours."""
    tree = drawn((DependencyLink(f"credential/{said}", said),), {said: "update"})
    assert {element.tag for element in tree.iter()} <= {"svg", "title", "desc", "g", "rect", "text", "path"}


def test_schedules_have_a_column_of_their_own():
    """Right of the pipeline that each starts; without any, the picture is as wide as before."""
    links = (DependencyLink("credential/a", "connection/b"), DependencyLink("connection/b", "pipeline/c"))
    narrow = drawn(links, {})
    wide = drawn((*links, DependencyLink("pipeline/c", "schedule/2030-01-01T00:00:00Z (sch_1)")), {})
    heads = [text.text for text in wide.iter("text") if text.get("class") == "column"]
    assert heads == ["Credentials", "Connections", "Pipelines and syncs", "Schedules"]
    assert float(wide.get("viewBox").split()[2]) > float(narrow.get("viewBox").split()[2])
    assert len(wide.findall("path")) == 3


def test_of_too_many_those_that_hang_together_are_drawn():
    """A connection is drawn for the credential that is, not one that comes first by its name."""
    names = [f"{number:04}" for number in range(1000)]
    links = tuple(DependencyLink(f"credential/{name}", f"connection/{name[::-1]}") for name in names)
    tree = drawn(links, {"credential/0999": "overdue"})
    shown = boxes(tree)
    assert "connection/9990" in shown
    assert len(tree.findall("path")) == MAX_COLUMN_BOXES
    assert [text.text for text in tree.iter("text")][-1] == "1,920 more are not drawn"
