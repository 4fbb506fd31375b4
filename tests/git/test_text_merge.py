"""The three-way merge of texts."""

import os

import pytest

from keyturn.git.text_merge import merge_texts

BASE = "".join(f"line {number}\n" for number in range(9))
ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_changes_of_both_sides_are_merged(end):
    """With the line ends that they have."""
    base = BASE.replace("\n", end)
    merged = merge_texts(base, base.replace("line 1", "ours"), base.replace("line 7", "theirs"), ENVIRONMENT)
    assert merged == (base.replace("line 1", "ours").replace("line 7", "theirs"), False)


def test_changes_of_one_line_have_markers():
    """The markers name the sides."""
    text, has_markers = merge_texts(BASE, BASE.replace("4", "ours"), BASE.replace("4", "theirs"), ENVIRONMENT)
    assert has_markers
    assert "<<<<<<< ours\nline ours\n=======\nline theirs\n>>>>>>> theirs\n" in text


def test_without_git_there_is_no_merge():
    """The caller is told."""
    with pytest.raises(OSError, match="git"):
        merge_texts(BASE, BASE, BASE, {"PATH": "/nonexistent"})
