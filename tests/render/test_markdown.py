"""The plan as a comment on a pull request."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from keyturn.render.markdown import COMMENT, markdown, marker, summary
from keyturn.render.parts import Part
from keyturn.render.view import TITLES, view
from making import connection
from plans import CASES, RETIRE, crowd, hostile_plan, hostile_text, plan

OURS = re.compile(
    r"<!-- keyturn:[\w.%~-]* -->|<details( open)?><summary><b>[\w ,:]+ \([\d,]+\)</b></summary>|</details>"
)
BLOCKS = {
    "html_block",
    "heading",
    "paragraph",
    "inline",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "fence",
}
LISTS = {"bullet_list", "list_item"}


def parsed(text):
    """Return the blocks and the inline tokens that GitHub's markdown sees."""
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return blocks, [token for block in blocks for token in block.children or ()]


def only_ours(text):
    """Check that markdown holds what the renderer draws and nothing that data brought."""
    blocks, inline = parsed(text)
    kinds = {block.type.removesuffix("_open").removesuffix("_close") for block in blocks}
    assert kinds <= BLOCKS | LISTS
    assert all(
        OURS.fullmatch(part)
        for block in blocks
        if block.type == "html_block"
        for part in block.content.strip().splitlines()
    )
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in inline}
    assert kinds <= {"text", "text_special", "code_inline", "strong", "softbreak"}
    words = "".join(token.content for token in inline if token.type != "code_inline")
    assert not re.search(r"@|#\w|://|www\.", words)


@pytest.mark.parametrize("case", CASES)
def test_golden(case, golden):
    """Every case."""
    golden(f"{case}.md", markdown(view(CASES[case])))


@pytest.mark.parametrize("case", CASES)
def test_only_expected_nodes(case):
    """Through a real parser: what we draw, and nothing else."""
    only_ours(markdown(view(CASES[case])))


@settings(max_examples=60)
@given(hostile_text())
def test_no_text_becomes_markup(said):
    """For any text anywhere in a plan: the same nodes as for a harmless one."""
    only_ours(markdown(view(hostile_plan(said))))


@given(hostile_text())
def test_the_marker_is_one_comment(name):
    """For any name of a workspace: one HTML comment that ends where it should."""
    text = marker(name)
    assert re.fullmatch(r"<!-- keyturn:(?:(?!--)[\w.~%-])* -->", text, re.ASCII)


def test_the_marker_tells_workspaces_apart():
    """A comment is found again by its workspace alone."""
    assert marker("prod") == "<!-- keyturn:prod -->"
    assert marker("a--b") != marker("a-b")


def test_counts_come_first():
    """Marker, title and counts stand before any detail."""
    lines = markdown(view(CASES["everything"])).splitlines()
    assert lines[0] == "<!-- keyturn:prod -->"
    assert lines[4].startswith("| create | update |")
    assert lines[6] == "| 2 | 3 | 1 | 1 | 1 | 1 | 1 | 5 |"


def test_the_last_line_is_the_summary():
    """A script finds it where it is in the text."""
    assert markdown(view(CASES["everything"])).splitlines()[-1] == view(CASES["everything"]).summary


def test_grave_classes_are_unfolded():
    """What exposes, opens or destroys is seen without a click."""
    text = markdown(view(CASES["everything"]))
    opened = re.findall(r"<details open><summary><b>(.+?) \(", text)
    assert opened == [TITLES[part] for part in (Part.EXPOSURE, Part.ACCESS, Part.RETIRE, Part.REPLACE)]


def test_symbols_stand_in_the_first_column_of_a_diff():
    """So that forges colour them."""
    blocks, _ = parsed(markdown(view(CASES["everything"])))
    fences = [block for block in blocks if block.type == "fence"]
    assert {block.info for block in fences} == {"diff"}
    assert {line[0] for block in fences for line in block.content.splitlines()} == set("+-!#")


@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_a_comment_keeps_its_budget_at_any_size(size):
    """At most 60 KiB, every class there, what is left out said, and what exposes in full."""
    text = markdown(view(crowd(size)))
    assert len(text.encode()) <= COMMENT
    assert all(f"<b>{TITLES[part]} (" in text for part in Part if part not in UNUSED)
    assert ("**Left out to keep this short:**" in text) is (size > 100)
    assert "config.host: db.example.com → db.example.net" in text
    only_ours(text)


UNUSED = {Part.ADOPT, Part.FORGET, Part.MANUAL}


def test_a_comment_keeps_its_budget_with_huge_values():
    """However long names and reasons are: shortened aloud, within the budget."""
    few = CASES["everything"]
    long = tuple(replace(change, why="€" * 100_000, renamed_from="x" * 9_999) for change in few.changes)
    text = markdown(view(replace(few, changes=long * 30, workspace="w" * 5_000)))
    assert len(text.encode()) <= COMMENT
    assert "more characters)" in text


def test_a_step_summary_has_more_room():
    """What a comment must leave out, a step summary may hold."""
    large = view(crowd(1_000))
    assert len(summary(large).encode()) > COMMENT
    assert "Left out" not in summary(large)


def test_where_the_whole_is_can_be_said():
    """A workflow knows its artifact."""
    text = markdown(view(crowd(1_500)), whole="[The whole plan](https://ci.example.com/plan.html)")
    assert "most lines of create. [The whole plan](https://ci.example.com/plan.html)" in text


def test_what_is_repeated_is_bounded():
    """A mass retirement repeats its first lines and counts the rest."""
    many = tuple(replace(RETIRE, address=connection(f"prod-{number:03}")) for number in range(50))
    end = markdown(view(plan(*many))).split("**Before you approve**")[1]
    assert end.count("\n- **-** `connection/prod-") == 20
    assert "- and 30 more, above" in end
