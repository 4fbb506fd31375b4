"""The runner of pages: reports each difference between a page and its run."""

import pytest

from page_commands import Command, File, Shell, list_mistakes, matches_output, parse_steps, rewrite_page

PAGE = """\
# A page

<!-- file: some/list.txt -->
```
one
two
```

Text, and a block without commands:

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


def find_mistakes(tmp_path, page):
    """Run a page and return its mistakes."""
    return list(list_mistakes(Shell(tmp_path).run(page)))


def test_a_page_has_files_and_commands():
    """The steps are in order; other blocks are not run."""
    kinds = [type(step).__name__ for step in parse_steps(PAGE)]
    assert kinds == ["File", *["Command"] * 6]
    assert next(parse_steps(PAGE)) == File("some/list.txt", "one\ntwo\n")
    second = [step for step in parse_steps(PAGE) if isinstance(step, Command)][1]
    assert (second.text, second.answer) == ("printf '%s\\n' a \\\n  b", "a\nb\n")


def test_a_correct_page_has_no_mistake(tmp_path):
    """Files exist, variables keep their values, exit codes match."""
    assert find_mistakes(tmp_path, PAGE) == []


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
def test_wrong_output_is_a_mistake(tmp_path, before, after):
    """The text, the order, the number of lines or the exit code differs."""
    (mistake,) = find_mistakes(tmp_path, PAGE.replace(before, after))
    assert "--- page" in mistake
    assert "+++ run" in mistake


def test_a_failure_without_exit_code_is_a_mistake(tmp_path):
    """The page must show the exit code of a command that fails."""
    (mistake,) = find_mistakes(tmp_path, PAGE.replace("$ echo $?\n1\n", ""))
    assert "exited 1; the page does not show the exit code" in mistake


def test_a_page_that_exits_the_shell_is_an_error(tmp_path):
    """The rest of the page would not run."""
    with pytest.raises(AssertionError, match="the shell exited before the end of the page"):
        find_mistakes(tmp_path, PAGE.replace("$ false", "$ exit 3"))


def test_only_wrong_output_is_rewritten(tmp_path):
    """The actual output replaces the wrong output; other text stays."""
    wrong = PAGE.replace("\nkept\n", "\nlost\n").replace("one\ntwo\n$", "…\n$")
    assert rewrite_page(wrong, Shell(tmp_path).run(wrong)) == PAGE.replace("one\ntwo\n$", "…\n$")


@pytest.mark.parametrize(
    ("shown", "output", "expected"),
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
def test_values_that_vary_between_runs_match(shown, output, expected):
    """Dates, digests and times match; counts do not. A dot matches only a dot."""
    assert matches_output(shown, output) is expected
