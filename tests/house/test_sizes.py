"""Sizes: modules, functions and arguments stay small enough to be read at once."""

import ast
import sys

import pytest

from sources import list_modules

LONGEST_MODULE, LONGEST_FUNCTION, USUAL_FUNCTION, MOST_ARGUMENTS = 400, 50, 30, 5
MOST_NAMED_ARGUMENTS = 7
SHARE_OF_LONG_FUNCTIONS = 0.05


def length(node):
    """Return how many lines a function takes, its docstring not counted."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    words = first.end_lineno - first.lineno + 1 if documented else 0
    return node.end_lineno - node.lineno + 1 - words


def test_modules_are_short():
    """No module is longer than 400 lines."""
    long = {module.place: len(module.text.splitlines()) for module in list_modules()}
    assert {place: lines for place, lines in long.items() if lines > LONGEST_MODULE} == {}


def test_functions_are_short():
    """No function is longer than 50 lines, its docstring included."""
    long = {
        f"{module.place}:{node.lineno} {name}": node.end_lineno - node.lineno + 1
        for module in list_modules()
        for name, node in module.functions
    }
    assert {place: lines for place, lines in long.items() if lines > LONGEST_FUNCTION} == {}


def test_nearly_all_functions_are_shorter(capsys):
    """Of all functions at most one in twenty is longer than 30 lines."""
    lengths = {f"{m.place} {name}": length(node) for m in list_modules() for name, node in m.functions}
    long = {place: lines for place, lines in lengths.items() if lines > USUAL_FUNCTION}
    share = len(long) / len(lengths)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(long)} of {len(lengths)} functions ({share:.1%}) are longer than 30 lines\n"
        )
    assert share <= SHARE_OF_LONG_FUNCTIONS, sorted(long)


def test_functions_take_few_arguments():
    """A function takes at most five positional arguments, and at most seven in all; commands are excepted."""
    many = {}
    for module in list_modules():
        for name, node in module.functions:
            positional = [*node.args.posonlyargs, *node.args.args]
            positional = [each for each in positional if each.arg not in {"self", "cls"}]
            count = len(positional) + len(node.args.kwonlyargs)
            if module.layer != "keyturn.cli" and (
                len(positional) > MOST_ARGUMENTS or count > MOST_NAMED_ARGUMENTS
            ):
                many[f"{module.place} {name}"] = count
    assert many == {}


def test_the_pipeline_is_one_short_function():
    """Planning reads like its picture: one function of fewer than 25 lines."""
    (planning,) = (module for module in list_modules() if module.name == "keyturn.operations.plan.plan")
    lines = [length(node) for name, node in planning.functions if name == "plan_workspace"]
    assert lines
    assert max(lines) < 25


@pytest.mark.parametrize(
    ("source", "lines"), [("def f():\n    '''A\n    b.'''\n    x = 1\n", 2), ("def f(): pass", 1)]
)
def test_docstrings_do_not_count_as_code(source, lines):
    """The length of a function is that of its code."""
    assert length(ast.parse(source).body[0]) == lines
