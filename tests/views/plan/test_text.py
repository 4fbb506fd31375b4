"""The plan as text."""

import re

import pytest
from hypothesis import given

from keyturn.views.plan.builder import SECTION_TITLES, build_view
from keyturn.views.plan.model import SectionKind
from keyturn.views.plan.text import render_plan_text
from keyturn.views.terminal import TerminalStyle, display_width
from sample_plans import (
    CASES,
    HOSTILE,
    hostile_texts,
    make_hostile_plan,
    make_large_plan,
    make_plan,
    make_section_plan,
)

ANSI = re.compile(r"\x1b\[[0-9;]*m")
FORBIDDEN = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [80, 200])
def test_golden(case, width, assert_golden):
    """Every case, on a narrow terminal and on a wide one."""
    assert_golden(
        f"{case}.{width}.txt", render_plan_text(build_view(CASES[case]), TerminalStyle(width=width))
    )


@pytest.mark.parametrize("case", CASES)
def test_the_last_line_is_the_summary(case):
    """A program can parse it."""
    shown = build_view(CASES[case])
    assert render_plan_text(shown).splitlines()[-1] == shown.summary


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [80, 200])
def test_colour_only_adds_escapes(case, width):
    """Without escapes, coloured text equals plain text."""
    shown = build_view(CASES[case])
    assert ANSI.sub("", render_plan_text(shown, TerminalStyle(color=True, width=width))) == render_plan_text(
        shown, TerminalStyle(width=width)
    )
    assert "\x1b" not in render_plan_text(shown, TerminalStyle(width=width))


def test_lines_keep_to_the_width():
    """Of the terminal."""
    lines = render_plan_text(build_view(CASES["everything"]), TerminalStyle(width=80)).splitlines()[:-1]
    assert max(map(display_width, lines)) <= 80


@given(hostile_texts())
def test_no_forbidden_character_gets_through(said):
    """Any text in a plan: only escapes of colours, no CI runner command."""
    shown = render_plan_text(build_view(make_hostile_plan(said)), TerminalStyle(color=True))
    bare = ANSI.sub("", shown)
    assert not FORBIDDEN.search(bare)
    assert not re.search(r"^\s*::|##\w*\[", bare, re.MULTILINE)


def test_an_escape_in_a_name_is_escaped():
    """With and without colours."""
    assert HOSTILE[:1] == "\x1b"
    assert r"\u{1b}[2J" in render_plan_text(build_view(CASES["hostile"]), TerminalStyle(color=True))


def test_one_change_among_ten_thousand_is_a_short_text():
    """Unchanged resources take no space."""
    assert len(render_plan_text(build_view(CASES["one-of-ten-thousand"])).encode()) <= 5 * 1024


def test_a_large_plan_is_complete():
    """Every change has its line."""
    shown = render_plan_text(build_view(make_large_plan(1_000)))
    assert all(f"connection/prod-{number:05}  " in shown for number in range(1_000))


def test_risky_entries_are_repeated_before_the_summary():
    """At the end of a log they are visible."""
    end = render_plan_text(build_view(CASES["everything"])).split("Before you approve")[1]
    assert "credential/prod-old-4" in end
    assert "credential/prod-db" in end


def test_repeated_entries_are_limited():
    """The others are counted."""
    said = render_plan_text(
        build_view(
            make_plan(
                *make_section_plan(SectionKind.RETIRE, 50).changes,
                access_changes=CASES["access"].access_changes,
            )
        )
    )
    above, end = said.split("Before you approve")
    assert sum(line.startswith("  - ") for line in end.splitlines()) == 19
    assert "  and 31 more, above" in end
    assert sum(line.startswith("  - ") for line in above.splitlines()) == 50


def test_every_section_has_a_title():
    """The table is complete."""
    assert set(SECTION_TITLES) == set(SectionKind)
