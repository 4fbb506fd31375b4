"""The plan as Markdown."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, Exposure
from keyturn.model.diagnostic import Severity
from keyturn.views.escaping import escape_line
from keyturn.views.plan.builder import SECTION_TITLES, build_view
from keyturn.views.plan.markdown import (
    PLAN_COMMENT_BUDGET,
    format_comment_marker,
    render_plan_markdown,
    render_step_summary,
)
from keyturn.views.plan.model import SectionKind
from keyturn.views.plan.size_budget import TRUNCATION_HINT
from keyturn.views.plan.text import render_plan_text
from sample_plans import (
    CASES,
    CREATE,
    DB,
    RETIRE,
    ROTATE,
    UPDATE,
    hostile_texts,
    make_finding,
    make_hostile_plan,
    make_large_plan,
    make_plan,
)
from sample_resources import connection_address

OURS = re.compile(
    r"<!-- keyturn:[\w.%~-]* -->|<details( open)?><summary><b>[\w ,:-]+ \([\d,]+\)</b></summary>|</details>"
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
    """Return the blocks and the inline tokens of GitHub's Markdown."""
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return blocks, [token for block in blocks for token in block.children or ()]


def assert_known_nodes(text):
    """Check that Markdown has only nodes of the renderer."""
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
    for block in blocks:
        words = "".join(
            " " if token.type == "code_inline" else token.content for token in block.children or ()
        )
        assert not re.search(r"@|#\w|://|www\.", words)


@pytest.mark.parametrize("case", CASES)
def test_golden(case, assert_golden):
    """Every case."""
    assert_golden(f"{case}.md", render_plan_markdown(build_view(CASES[case])))


@pytest.mark.parametrize("case", CASES)
def test_only_expected_nodes(case):
    """A Markdown parser finds only nodes of the renderer."""
    assert_known_nodes(render_plan_markdown(build_view(CASES[case])))


@settings(max_examples=60)
@given(hostile_texts())
def test_no_text_becomes_markup(said):
    """Any text in a plan gives the same nodes as harmless text."""
    shown = build_view(make_hostile_plan(said))
    assert_known_nodes(render_plan_markdown(shown))
    assert_known_nodes(render_step_summary(shown))


def test_concatenated_step_summaries_stay_separate():
    """Steps append to one file, so nothing may stay open."""
    shown = build_view(CASES["hostile"])
    both = render_step_summary(shown) + render_step_summary(build_view(CASES["everything"]))
    assert_known_nodes(both)
    blocks, _ = parsed(both)
    assert sum(block.type == "heading_open" for block in blocks) == 2


@given(hostile_texts())
def test_the_marker_is_one_comment(name):
    """Any workspace name gives one closed HTML comment."""
    text = format_comment_marker(name)
    assert re.fullmatch(r"<!-- keyturn:(?:(?!--)[\w.~%-])* -->", text, re.ASCII)


def test_markers_of_workspaces_differ():
    """A comment is found by its workspace."""
    assert format_comment_marker("prod") == "<!-- keyturn:prod -->"
    assert format_comment_marker("a--b") != format_comment_marker("a-b")


def test_counts_come_first():
    """Marker, title and counts precede all details."""
    lines = render_plan_markdown(build_view(CASES["everything"])).splitlines()
    assert lines[0] == "<!-- keyturn:prod -->"
    assert lines[4].startswith("| create | update |")
    assert lines[6] == "| 2 | 3 | 1 | 1 | 1 | 1 | 1 | 5 |"


def test_the_last_line_is_the_summary():
    """A program can parse it."""
    assert (
        render_plan_markdown(build_view(CASES["everything"])).splitlines()[-1]
        == build_view(CASES["everything"]).summary
    )


def test_risky_sections_are_expanded():
    """Exposures, access changes, retirements and replacements."""
    text = render_plan_markdown(build_view(CASES["everything"]))
    opened = re.findall(r"<details open><summary><b>(.+?) \(", text)
    assert opened == [
        SECTION_TITLES[part]
        for part in (SectionKind.EXPOSURE, SectionKind.ACCESS, SectionKind.RETIRE, SectionKind.REPLACE)
    ]


def test_symbols_are_in_the_first_column():
    """Forges colour the lines by it."""
    blocks, _ = parsed(render_plan_markdown(build_view(CASES["everything"])))
    fences = [block for block in blocks if block.type == "fence"]
    assert {block.info for block in fences} == {"diff"}
    assert {line[0] for block in fences for line in block.content.splitlines()} == set("+-!#")


@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_a_comment_keeps_its_budget_at_any_size(size):
    """At most 60 KiB, with every section, all exposures, and a line about omissions."""
    text = render_plan_markdown(build_view(make_large_plan(size)))
    assert len(text.encode()) <= PLAN_COMMENT_BUDGET
    assert all(f"<b>{SECTION_TITLES[part]} (" in text for part in SectionKind if part not in UNUSED)
    assert ("**Omitted to keep this short:**" in text) is (size > 100)
    assert "config.host: db.example.com → db.example.net" in text
    assert_known_nodes(text)


UNUSED = {SectionKind.ADOPT, SectionKind.FORGET, SectionKind.MANUAL}


def test_a_comment_keeps_its_budget_with_huge_values():
    """Long names and reasons are truncated with a marker."""
    few = CASES["everything"]
    long = tuple(replace(change, reason="€" * 100_000, renamed_from="x" * 9_999) for change in few.changes)
    text = render_plan_markdown(build_view(replace(few, changes=long * 30, workspace="w" * 5_000)))
    assert len(text.encode()) <= PLAN_COMMENT_BUDGET
    assert "more characters)" in text


SIZES = st.dictionaries(
    st.sampled_from(sorted({*Action} - {Action.NO_OP}, key=str)),
    st.sampled_from([1, 11, 60, 300]),
    max_size=3,
)
"""How many changes of each action."""

NAMES = st.sampled_from(
    ["x", "prod-" + "n" * 60, "😀" * 300, "`" * 500, "<" * 2_000, "\u202e" * 90, "@a " * 200]
)
"""Long and unusual names."""


@settings(max_examples=30)
@example({}, 2_000, 2_000, "😀" * 300)
@example({Action.RETIRE: 2_000}, 0, 0, "`" * 300)
@given(SIZES, st.sampled_from([0, 1, 30, 200]), st.sampled_from([0, 1, 30, 200]), NAMES)
def test_a_comment_keeps_its_budget_for_any_plan(sizes, exposed, found, name):
    """Any mix of sections and names: 60 KiB, every section, a line about omissions."""
    drawn = build_view(sized(sizes, exposed, found, name))
    text = render_plan_markdown(drawn)
    assert len(text.encode()) <= PLAN_COMMENT_BUDGET
    for section in drawn.sections:
        assert f"{SECTION_TITLES[section.kind]} ({len(section.entries):,})" in text
    assert text.splitlines()[-1] == drawn.summary
    lines = sum(len(section.entries) for section in drawn.sections)
    listed = len(re.findall(r"^[-+!#] .*\S", text, re.MULTILINE))
    assert "**Omitted to keep this short:**" in text or listed >= lines
    # Of the gravest class something is said in any case.
    assert not exposed or "EXPOSES SECRET" in text.split("**Before you approve**")[0]


def sized(sizes, exposed, found, name):
    """Return a plan with these numbers of changes, exposures, diagnostics and access changes."""
    changes = []
    for action, count in sizes.items():
        base = {Action.CREATE: CREATE, Action.UPDATE: UPDATE, Action.ROTATE: ROTATE}.get(action, RETIRE)
        base = replace(base, action=action, reason=name)
        changes += [
            replace(base, address=connection_address(f"{action.value}-{number}-{name}"))
            for number in range(count)
        ]
    moves = (
        Exposure(connection_address(f"{number}-{name}"), DB, ("config", name), name, "b")
        for number in range(exposed)
    )
    changes += [replace(UPDATE, exposures=(each,)) for each in moves]
    findings = tuple(
        make_finding(
            "KT454", Severity.ERROR, f"{number} {name}", hint=name, origin=SourceLocation(name, number + 1, 1)
        )
        for number in range(found)
    )
    return make_plan(*changes, diagnostics=findings, access_changes=findings, workspace=name)


@settings(max_examples=12)
@given(SIZES, st.sampled_from([0, 30]), st.sampled_from([0, 30]), NAMES)
def test_text_has_every_entry(sizes, exposed, found, name):
    """For any size."""
    drawn = build_view(sized(sizes, exposed, found, name))
    said = " ".join(render_plan_text(drawn).split())
    for section in drawn.sections:
        assert f"{section.title} ({len(section.entries):,})" in said
        for entry in section.entries:
            assert (
                " ".join(f"{entry.symbol} {escape_line(entry.label)} {escape_line(entry.headline)}".split())
                in said
            )


def test_two_long_names_have_two_markers():
    """A long name is identified by its start and its digest."""
    one, other = format_comment_marker("w" * 5_000), format_comment_marker("w" * 5_001)
    assert one != other
    assert len(one) < 300
    assert format_comment_marker("w" * 5_000) == one


def test_truncation_has_a_hint():
    """Only when something is truncated."""
    assert TRUNCATION_HINT in render_plan_markdown(build_view(CASES["update"]))
    assert TRUNCATION_HINT not in render_plan_markdown(build_view(CASES["create"]))


def test_a_step_summary_has_more_room():
    """It shows what a comment omits."""
    large = build_view(make_large_plan(1_000))
    assert len(render_step_summary(large).encode()) > PLAN_COMMENT_BUDGET
    assert "Omitted" not in render_step_summary(large)


def test_full_plan_hint_can_be_set():
    """A workflow knows its artifact."""
    text = render_plan_markdown(
        build_view(make_large_plan(1_500)), full_plan_hint="[The full plan](https://ci.example.com/plan.html)"
    )
    assert "most lines of create. [The full plan](https://ci.example.com/plan.html)" in text


def test_repeated_entries_are_limited():
    """The others are counted."""
    many = tuple(replace(RETIRE, address=connection_address(f"prod-{number:03}")) for number in range(50))
    end = render_plan_markdown(build_view(make_plan(*many))).split("**Before you approve**")[1]
    assert end.count("\n- **-** `connection/prod-") == 20
    assert "- and 30 more, above" in end
