"""Escaping for each sink, with examples and for any text."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from invisible_characters import RUNNER_COMMAND, SAMPLES_BY_SORT, find_invisible
from keyturn.views.escaping import (
    escape_html,
    escape_inline_code,
    escape_line,
    escape_markdown,
    escape_terminal,
    escape_workflow_command,
    render_code_fence,
)
from sample_plans import hostile_texts


def spans(text):
    """Return the inline tokens that CommonMark sees in one line of markdown."""
    (block,) = MarkdownIt("commonmark", {"linkify": False}).enable("table").parse(f"x {text}")[1:2]
    return block.children


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("prod-x", "prod-x"),
        ("日本 ünïcode 😀", "日本 ünïcode 😀"),
        ("a\nb\tc", "a\nb\tc"),
        ("\x1b[31mred", r"\u{1b}[31mred"),
        ("\x9b31m", r"\u{9b}31m"),
        ("a\rb", r"a\u{d}b"),
        ("nimda\u202e", r"nimda\u{202e}"),
        ("a\u200bb\ufeff", r"a\u{200b}b\u{feff}"),
        ("a\u2028b", r"a\u{2028}b"),
        ("\ud800", r"\u{d800}"),
        ("::add-mask::x", r"\u{3a}:add-mask::x"),
        ("a ::stop", r"a \u{3a}:stop"),
        ("a\n  ::stop", "a\n  " + r"\u{3a}:stop"),
        ("std::vector", "std::vector"),
        ("##[error]x", r"\u{23}#[error]x"),
        ("a##vso[task.x]y", r"a\u{23}#vso[task.x]y"),
    ],
)
def test_terminal_text_shows_invisible_characters(text, shown):
    """Letters stay; invisible characters and runner commands are escaped."""
    assert escape_terminal(text) == shown


@pytest.mark.parametrize("sort", SAMPLES_BY_SORT)
def test_every_category_of_invisible_characters_is_escaped(sort):
    """Each character alone and between letters."""
    for text in (SAMPLES_BY_SORT[sort], f"a{SAMPLES_BY_SORT[sort]}b", *SAMPLES_BY_SORT[sort]):
        assert find_invisible(escape_line(text)) == set()
        assert not RUNNER_COMMAND.search(escape_terminal(text))


@given(hostile_texts())
def test_terminal_text_is_always_safe(text):
    """Any text: only line feeds and tabs, no runner command, idempotent."""
    safe = escape_terminal(text)
    assert find_invisible(safe) <= {"\n", "\t"}
    assert not RUNNER_COMMAND.search(safe)
    assert escape_terminal(safe) == safe


@given(hostile_texts())
def test_line_is_one_line(text):
    """Any text: one line without invisible characters."""
    assert not find_invisible(escape_line(text))
    assert len(escape_line(text).splitlines()) <= 1


@given(hostile_texts())
def test_inline_code_is_one_code_span(text):
    """Any text: CommonMark finds one code span with this content."""
    kinds = [(token.type, token.content) for token in spans(escape_inline_code(text))]
    assert kinds == [("text", "x "), ("code_inline", escape_line(text) or "(empty)")]


@given(hostile_texts())
def test_markdown_has_only_text_and_code(text):
    """Any text: no link, image, emphasis or other markup."""
    assert {token.type for token in spans(escape_markdown(text))} <= {"text", "code_inline", "text_special"}


@given(hostile_texts())
def test_forge_syntax_is_in_code_spans(text):
    """Any text: mentions, issue numbers, URLs and formulas."""
    words = "".join(token.content for token in spans(escape_markdown(text)) if token.type != "code_inline")
    assert not re.search(r"@|#\w|://|www\.|\$|:\w+:", words)


def test_markdown_keeps_code_spans():
    """Backticks in a hint mark code."""
    said = escape_markdown("write `moved_from: x`, then ask @team")
    assert said == "write `moved_from: x`, then ask `@team`"


@pytest.mark.parametrize(
    "text", ["1. one", "- one", "+ one", "# one", "> one", "=== ", "| a | b |", "~~~", "    x"]
)
def test_markdown_opens_no_block(text):
    """At the start of a line, prose stays a paragraph."""
    kinds = [
        token.type for token in MarkdownIt("commonmark").enable("table").parse(escape_markdown(text).lstrip())
    ]
    assert kinds == ["paragraph_open", "inline", "paragraph_close"]


@given(hostile_texts())
def test_html_is_escaped(text):
    """Any text: no tag as content, the same text as an attribute."""
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append((tag, attrs))

        def handle_comment(self, data):
            seen.append(("comment", data))

    reader = Reader(convert_charrefs=True)
    reader.feed(f'<p title="{escape_html(text)}">{escape_html(text)}</p>')
    reader.close()
    assert seen == [("p", [("title", escape_line(text))])]


@given(hostile_texts())
def test_workflow_commands_stay_on_one_line(text):
    """Any text: one line, and the property is closed."""
    command = (
        f"::error file={escape_workflow_command(text, property=True)},line=1::{escape_workflow_command(text)}"
    )
    assert len(command.splitlines()) == 1
    assert not find_invisible(command) - {"\t"}
    properties = command.removeprefix("::error ").split("::")[0].split(",")
    assert len(properties) == 2


def test_workflow_escapes_are_those_of_the_runner():
    """A runner decodes %25, %0A, %3A and %2C."""
    assert escape_workflow_command("50%\na:b,c") == "50%25%0Aa:b,c"
    assert escape_workflow_command("50%\na:b,c", property=True) == "50%25%0Aa%3Ab%2Cc"


@given(hostile_texts())
def test_a_fence_has_exactly_its_lines(text):
    """Any text: one code block, and nothing after it."""
    tokens = MarkdownIt("commonmark").parse(f"{render_code_fence((text, 'last'), 'diff')}\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content == f"{escape_line(text)}\nlast\n"
