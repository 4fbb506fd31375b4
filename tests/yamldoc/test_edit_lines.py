"""Edits of values that have several lines, and line ends."""

import random

import pytest

from keyturn.model.fields import flatten_tree
from keyturn.yamldoc.edit import is_block_list, is_block_scalar, remove_keys, set_values
from keyturn.yamldoc.scalars import emit_scalar
from sops_files import parse_text

_TEXT = """\
# head
name: a
config:
  folded: >-   # about the fold
    one
    two

  plain: first
    second   # after plain
  quoted: "first
    second"   # after quoted
  literal: |
    -----BEGIN X-----
    # no comment
    -----END X-----

  # about the list
  items:   # why
    - a
    - b
  flow: [a,
    b]   # after flow
  last: |
    text
# tail
"""
_LEAVES = tuple(path for path in flatten_tree(parse_text(_TEXT).tree) if path[0] == "config")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("path", _LEAVES)
def test_a_value_of_several_lines_is_replaced(path, end):
    """Nothing else changes: values, comments and line ends."""
    text = _TEXT.replace("\n", end)
    changed = set_values(parse_text(text), {path: "new"})
    before, after = flatten_tree(parse_text(text).tree), flatten_tree(parse_text(changed).tree)
    assert after == before | {path: "new"}
    assert changed.count("#") == text.count("#") - (path == ("config", "literal"))
    assert changed.count(end) == changed.count("\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("content", ["x\ny\n", "x\ny", "x\n"])
def test_a_literal_block_takes_another_text(content, end):
    """The indentation stays, and the lines have the line end of the block."""
    text = _TEXT.replace("\n", end)
    changed = set_values(parse_text(text), {("config", "literal"): content, ("config", "folded"): content})
    assert parse_text(changed).tree["config"]["literal"] == content
    assert parse_text(changed).tree["config"]["folded"] == content
    assert "# about the fold" in changed
    assert changed.count(end) == changed.count("\n")


def test_a_text_of_several_lines_replaces_only_a_block():
    """It has no place after a key."""
    assert set_values(parse_text(_TEXT), {("name",): "x\ny\n"}) is None
    assert is_block_scalar(parse_text(_TEXT), ("config", "literal"))
    assert not is_block_scalar(parse_text(_TEXT), ("config", "plain"))
    assert not is_block_scalar(parse_text(_TEXT), ("config", "absent"))


def test_a_list_with_comments_is_not_replaced():
    """Its comments would be lost."""
    assert set_values(parse_text("a:\n  - x   # why\n  - z\n"), {("a",): "[z]"}) is None


def test_a_list_in_block_style_takes_other_items():
    """Its indentation and the comment of its key stay."""
    changed = set_values(parse_text(_TEXT), {("config", "items"): "- x\n- y\n- z\n"})
    assert "  items:   # why\n    - x\n    - y\n    - z\n  flow:" in changed
    assert is_block_list(parse_text(_TEXT), ("config", "items"))
    assert not is_block_list(parse_text(_TEXT), ("config", "flow"))
    assert not is_block_list(parse_text(_TEXT), ("config",))


@pytest.mark.parametrize("path", _LEAVES)
def test_a_value_of_several_lines_is_removed(path):
    """A comment after it stays; a comment before it stays."""
    changed = remove_keys(parse_text(_TEXT), [path])
    if path == ("config", "items"):
        assert changed is None
        return
    before = flatten_tree(parse_text(_TEXT).tree)
    assert flatten_tree(parse_text(changed).tree) == {
        key: leaf for key, leaf in before.items() if key != path
    }
    assert changed.count("#") == _TEXT.count("#") - (path == ("config", "literal"))


def test_mixed_line_ends_are_kept_line_by_line():
    """A new line has the line end of the line above."""
    text = "a: 1\r\nb:\r\n  c: 2\n  d: 3\r\ne: 4\n"
    tokens = {("a",): "9", ("b", "c"): "8", ("b", "new"): "7", ("f",): "6"}
    assert set_values(parse_text(text), tokens) == "a: 9\r\nb:\r\n  c: 8\n  d: 3\r\n  new: 7\r\ne: 4\nf: 6\n"


def test_the_last_line_may_have_no_line_end():
    """The new line is separated from it, and the file still ends without one."""
    assert set_values(parse_text("a: 1\r\nb: 2"), {("c",): "3"}) == "a: 1\r\nb: 2\r\nc: 3"
    assert set_values(parse_text("a: |\n  x"), {("a",): "y"}) == "a: y\n"


def test_random_edits_change_only_their_value():
    """Files of random blocks, folds, lists, comments and line ends."""
    choose = random.Random(20261128)
    for _ in range(400):
        lines, end = [], choose.choice(["\n", "\r\n"])
        for number in range(choose.randint(1, 6)):
            key, comment = f"k{number}", choose.choice(["", "   # note"])
            lines += choose.choice(
                [
                    [f"{key}: value{comment}"],
                    [f"{key}: |{comment}", "    one", "", "      two"],
                    [f"{key}: >-{comment}", "  one", "  two", ""],
                    [f"{key}: |+", "  one", "", ""],
                    [f'{key}: "a', f'  b"{comment}'],
                    [f"{key}: a", f"  b{comment}"],
                    [f"{key}: [1,", f"  2]{comment}"],
                    [f"{key}:{comment}", "- 1", "- 2"],
                    [f"# above {key}", f"{key}: 5{comment}", "", "# below"],
                ]
            )
        text = end.join(lines) + choose.choice(["", end, end + end])
        document = parse_text(text)
        path = choose.choice(list(flatten_tree(document.tree)))
        changed = set_values(document, {path: emit_scalar("new value")})
        assert changed is not None, text
        assert flatten_tree(parse_text(changed).tree) == flatten_tree(document.tree) | {path: "new value"}, (
            text
        )
        assert changed.count("#") == text.count("#"), text
