"""The dependency diagram."""

from xml.etree import ElementTree as ET

from hypothesis import given

from keyturn.views.diagram import MAX_COLUMN_BOXES, DependencyLink, draw_dependency_svg
from keyturn.views.plan.builder import build_view
from sample_plans import CASES, hostile_texts


def drawn(links, marked):
    """Return the diagram as a tree of elements."""
    return ET.fromstring(draw_dependency_svg(links, marked))  # noqa: S314  # our own


def boxes(tree):
    """Return the name of each box and its class."""
    return {group.find("title").text: group.get("class") for group in tree.iter("g")}


def test_an_empty_plan_has_no_diagram():
    """The result is empty."""
    assert draw_dependency_svg((), {}) == ""


def test_columns_and_changed_nodes():
    """A changed node has a class and a mark."""
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


def test_diagram_has_a_text_alternative():
    """Changes and users, in words."""
    tree = drawn((DependencyLink("credential/a", "connection/b"),), {"credential/a": "rotate"})
    assert tree.get("role") == "img"
    assert tree.find("desc").text == "credential/a: rotate; connection/b uses credential/a."


def test_omitted_nodes_are_counted():
    """Changed nodes come first."""
    links = tuple(
        DependencyLink("credential/a", f"connection/{number:03}") for number in range(MAX_COLUMN_BOXES + 30)
    )
    last = f"connection/{MAX_COLUMN_BOXES + 29:03}"
    tree = drawn(links, {last: "update"})
    assert last in boxes(tree)
    assert len(boxes(tree)) == MAX_COLUMN_BOXES + 1
    assert [text.text for text in tree.iter("text")][-1] == "30 more are not drawn"


def test_a_long_name_is_shortened_and_kept_in_the_title():
    """The box has a part of it, the title all."""
    tree = drawn((), {"credential/" + "n" * 80: "create"})
    name = next(text.text for text in tree.iter("text") if text.text.startswith("n"))
    assert name.endswith("…")
    assert "credential/" + "n" * 80 in boxes(tree)


@given(hostile_texts())
def test_any_name_is_text(said):
    """Well-formed, and only elements of the renderer."""
    tree = drawn((DependencyLink(f"credential/{said}", said),), {said: "update"})
    assert {element.tag for element in tree.iter()} <= {"svg", "title", "desc", "g", "rect", "text", "path"}


def test_schedules_have_a_column():
    """Right of the pipelines; without schedules, the diagram is narrower."""
    links = (DependencyLink("credential/a", "connection/b"), DependencyLink("connection/b", "pipeline/c"))
    narrow = drawn(links, {})
    wide = drawn((*links, DependencyLink("pipeline/c", "schedule/2030-01-01T00:00:00Z (sch_1)")), {})
    heads = [text.text for text in wide.iter("text") if text.get("class") == "column"]
    assert heads == ["Credentials", "Connections", "Pipelines and syncs", "Schedules"]
    assert float(wide.get("viewBox").split()[2]) > float(narrow.get("viewBox").split()[2])
    assert len(wide.findall("path")) == 3


def test_linked_nodes_are_drawn_first():
    """A connection of a drawn credential precedes others."""
    names = [f"{number:04}" for number in range(1000)]
    links = tuple(DependencyLink(f"credential/{name}", f"connection/{name[::-1]}") for name in names)
    tree = drawn(links, {"credential/0999": "overdue"})
    shown = boxes(tree)
    assert "connection/9990" in shown
    assert len(tree.findall("path")) == MAX_COLUMN_BOXES
    assert [text.text for text in tree.iter("text")][-1] == "1,920 more are not drawn"
