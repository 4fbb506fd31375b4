"""The runner of pages itself: it finds what is wrong with a page, and nothing else."""

import pytest

from console import Command, File, Shell, fits, mistakes, rewritten, steps

PAGE = """\
# A page

<!-- file: some/list.txt -->
```
one
two
```

Text, and a block that is no command:

```sh
exit 9
```

```console
$ cat some/list.txt
one
two
$ printf '%s\\n' a \\
>   b
a
b
$ export NAME=kept
```

```console
$ echo $NAME
kept
$ false
$ echo $?
1
```
"""


def found(tmp_path, page):
    """Run a page; return what is wrong with it."""
    return list(mistakes(Shell(tmp_path).run(page)))


def test_a_page_is_files_and_commands():
    """In order; other fences are not run."""
    kinds = [type(step).__name__ for step in steps(PAGE)]
    assert kinds == ["File", *["Command"] * 6]
    assert next(steps(PAGE)) == File("some/list.txt", "one\ntwo\n")
    second = [step for step in steps(PAGE) if isinstance(step, Command)][1]
    assert (second.text, second.answer) == ("printf '%s\\n' a \\\n  b", "a\nb\n")


def test_a_page_that_is_right_has_no_mistake(tmp_path):
    """Files are there, variables last, exit codes are told."""
    assert found(tmp_path, PAGE) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\nkept\n", "\nlost\n"),
        ("\nkept\n", "\n"),
        ("a\nb\n$", "b\na\n$"),
        ("one\ntwo\n$", "one\n$"),
        ("\n1\n", "\n2\n"),
    ],
)
def test_a_wrong_answer_is_a_mistake(tmp_path, before, after):
    """Another word, none at all, another order, a line too few, another exit code."""
    (mistake,) = found(tmp_path, PAGE.replace(before, after))
    assert "--- page" in mistake
    assert "+++ run" in mistake


def test_a_failure_that_is_not_told_is_a_mistake(tmp_path):
    """A command that fails is followed by its exit code."""
    (mistake,) = found(tmp_path, PAGE.replace("$ echo $?\n1\n", ""))
    assert "ended with 1, unsaid by the page" in mistake


def test_a_page_that_ends_the_shell_is_said(tmp_path):
    """What comes after would not have been run."""
    with pytest.raises(AssertionError, match="the shell ended before the page did"):
        found(tmp_path, PAGE.replace("$ false", "$ exit 3"))


def test_a_page_is_rewritten_where_it_was_wrong_and_nowhere_else(tmp_path):
    """The answer is put in place of the wrong one."""
    wrong = PAGE.replace("\nkept\n", "\nlost\n").replace("one\ntwo\n$", "…\n$")
    assert rewritten(wrong, Shell(tmp_path).run(wrong)) == PAGE.replace("one\ntwo\n$", "…\n$")


@pytest.mark.parametrize(
    ("shown", "said", "fit"),
    [
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\n", "a\n", True),
        ("a\n…\nd\n", "a\nb\n", False),
        ("…\nd\n", "b\nd\n", True),
        ("approve kt1-jlx6z5d7hjwkqgaoddptinuere\n", "approve kt1-2zeqd36m5bmomfxizxbdlejss4\n", True),
        ("on 2026-01-01\n", "on 2027-12-31\n", True),
        ("12 ms\n", "7 ms\n", True),
        ("1 to create\n", "2 to create\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_what_differs_from_run_to_run_fits(shown, said, fit):
    """Dates, digests and times; not counts, and a dot is a dot."""
    assert fits(shown, said) is fit
