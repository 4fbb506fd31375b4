"""Code frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.address import SourceLocation
from keyturn.views.diagnostics.code_frame import render_code_frame
from keyturn.views.terminal import PLAIN_STYLE, TerminalStyle, Tone, display_width
from leak_search import KINDS


def drawn(text, line, column, **more):
    """Return the code frame of a location, without colour."""
    return render_code_frame(
        text, SourceLocation("f.yaml", line, column), more.pop("style", PLAIN_STYLE), tone=Tone.DANGER, **more
    )


def test_a_frame_has_context_lines_and_a_caret():
    """The caret marks the token."""
    text = "kind: credential\nname: prod-db\ntype: databse\nconfig:\n  host: x\n"
    assert drawn(text, 3, 7) == [
        " 2 | name: prod-db",
        " 3 | type: databse",
        "   |       ^^^^^^^",
        " 4 | config:",
    ]


@pytest.mark.parametrize(
    ("source", "column", "under"),
    [
        ("type: databse", 1, "type"),
        ("  host: db", 3, "host"),
        ("labels: {owner: me, system: [a, b]}", 10, "owner"),
        ("labels: {owner: me, system: [xyz, b]}", 30, "xyz"),
        ("name: 'two words' # x", 7, "'two words'"),
        ('name: "two \\" words"', 7, '"two \\" words"'),
        ("url: https://db.example.com/x", 6, "https://db.example.com/x"),
        ("地址: 数据库", 5, "数据库"),
        ("name: 😀ab", 7, "😀ab"),
        ("name: a\u0301bc, de", 13, "de"),
    ],
)
def test_the_caret_is_below_the_token(source, column, under):
    """Flow and block style, quotes, wide letters, combining marks."""
    shown, caret = drawn(source, 1, column)
    left = shown.index(under)
    assert caret == " " * 2 + " |" + " " * (display_width(shown[:left]) - 4) + "^" * display_width(under)


def test_a_tab_takes_four_columns():
    """Before and below the caret."""
    assert drawn("\thost:\tdb", 1, 8) == [" 1 |     host:    db", "   |              ^^"]


def test_line_ends_and_byte_order_marks_do_not_move_the_caret():
    """CRLF and a byte order mark."""
    plain = drawn("kind: a\nname: b\n", 1, 7)
    assert drawn("\ufeffkind: a\r\nname: b\r\n", 1, 7) == plain


def test_invisible_characters_are_escaped_and_counted():
    """The caret moves by the columns of the escapes."""
    shown, caret = drawn("name: x\u202ey, b", 1, 12)
    assert shown == r" 1 | name: x\u{202e}y, b"
    assert caret.index("^") == shown.index("b")


def test_block_scalars_are_shown_line_by_line():
    """A location within a block scalar has a frame."""
    text = "config:\n  motd: |\n    hello you\n    there\n"
    assert drawn(text, 3, 5) == [" 2 |   motd: |", " 3 |     hello you", "   |     ^^^^^", " 4 |     there"]


def test_the_caret_marks_all_of_a_mask():
    """The mask hides the position within the value."""
    assert drawn("secrets:\n  password: hunter2\n", 2, 13) == [
        " 1 | secrets:",
        " 2 |   password: ▒▒▒",
        "   |             ^^^",
        " 3 |",
    ]


def test_the_caret_is_below_a_key_among_masked_values():
    """A misspelled key of a flow mapping, whose values may be secrets."""
    shown, caret = drawn("config: {host: db, prot: 5432}", 1, 20, clear=frozenset())
    assert shown == " 1 | config: {host: ▒▒▒, prot: ▒▒▒}"
    assert caret == "   |" + " " * (shown.index("prot") - 4) + "^^^^"


def test_a_long_line_is_clipped_around_the_caret():
    """The cuts are marked."""
    words = " ".join(f"w{number}" for number in range(100))
    shown, caret = drawn(f"x: {words}", 1, 4 + words.index("w60"), style=TerminalStyle(width=60))
    assert display_width(shown) <= 60
    assert shown[caret.index("^") :].startswith("w60")
    assert shown.startswith(" 1 | … ")
    assert shown.endswith(" …")


@pytest.mark.parametrize(("line", "column"), [(0, 0), (3, 1), (-1, 1)])
def test_a_location_outside_the_text_has_no_frame(line, column):
    """A diagnostic about the file, or about deleted lines."""
    assert drawn("kind: a\n", line, column) == []


def test_a_line_without_a_column_has_no_caret():
    """The diagnostic is about the line."""
    assert drawn("kind: a", 1, 0) == [" 1 | kind: a"]


def test_only_gutter_and_caret_are_coloured():
    """The source is unchanged."""
    lines = drawn("kind: a", 1, 1, style=TerminalStyle(color=True))
    assert lines == ["\x1b[2m 1 |\x1b[0m kind: a", "\x1b[2m   |\x1b[0m \x1b[31m^^^^\x1b[0m"]


@given(st.text(max_size=80), st.integers(1, 5), st.integers(0, 100), st.integers(20, 120))
def test_any_place_in_any_text_has_a_frame_that_fits(text, line, column, width):
    """Any text and location: no error, no line wider than the terminal."""
    lines = drawn(text, line, column, style=TerminalStyle(width=width))
    assert max(map(display_width, lines), default=0) <= max(width, 30)


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_a_frame(kind, canary):
    """Secrets of every kind, as value, as key and on broken lines."""
    value = canary(kind)
    text = f"kind: credential\nsecrets:\n  password: {value}\n  {value}: x\n{value}\n  'x{value}\n"
    for line in range(1, text.count("\n") + 2):
        canary.record(f"the frame of line {line}", "\n".join(drawn(text, line, 3)))
        assert drawn(text, line, 3)
