"""The help of every command: of the quality of a man page, and its examples hold."""

import re
import shlex
import tomllib
from itertools import groupby, takewhile

import click
import pytest

from keyturn.cli import exit_codes, help  # noqa: A004  # the module of that name
from keyturn.cli.main import COMMAND_MODULES, root_command
from sources import ROOT, SRC

ALWAYS = {exit_codes.EXIT_USAGE, exit_codes.EXIT_BUG, exit_codes.EXIT_INTERRUPTED}


def commands():
    """Return every command by its words, those below a group included."""
    ctx = click.Context(root_command, info_name="keyturn")
    found = {}
    for name in COMMAND_MODULES:
        command = root_command.get_command(ctx, name)
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {each}": below for each, below in command.commands.items()}
    return found


ALL = commands()
SETTINGS = {"help_option_names": ["-h", "--help"]}


def text(words, width=80):
    """Return the help of a command as a terminal of some columns shows it."""
    ctx = click.Context(ALL[words], info_name=f"keyturn {words}", terminal_width=width - 2, **SETTINGS)
    return ALL[words].get_help(ctx)


def examples(words):
    """Return the lines below the word Examples."""
    part = text(words).partition("Examples:\n")[2].partition("\n\n")[0]
    return [line.strip() for line in part.splitlines()]


def calls(line):
    """Yield the words of each keyturn that an example line runs, without what is said of it."""
    lexer = shlex.shlex(line.partition("   ")[0].replace("…", "a"), posix=True, punctuation_chars="|&>")
    lexer.whitespace_split = True
    for cut, words in groupby(lexer, lambda word: word in {"|", "&&"}):
        said = list(words)
        if not cut and said[0] == "keyturn":
            yield list(takewhile(lambda word: word not in {">", ">>"}, said[1:]))


def test_each_command_has_a_page():
    """None is forgotten, and none is told of that there is not."""
    assert set(help.HELP_PAGES) == set(ALL)


@pytest.mark.parametrize("words", ALL)
def test_the_parts_are_there(words):
    """A line, a paragraph, two examples, options with a word each, exit codes, variables, what is near."""
    said = text(words)
    summary, paragraph = said.split("\n\n")[1:3]
    assert "\n" not in summary.strip(), "the first line says it all"
    assert summary.strip().endswith(".")
    assert paragraph.strip().endswith(".")
    assert not paragraph.strip().startswith("Example")
    assert len(examples(words)) >= 2
    for title in ("Examples:", "Options:", "Exit codes:", "Environment:", "See also:"):
        assert said.count(title) == 1, title
    assert "NO_COLOR" in said


@pytest.mark.parametrize("words", ALL)
def test_it_fits_a_terminal(words):
    """Eighty columns, and nothing is folded that is meant as a line."""
    assert [line for line in text(words).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", ALL)
def test_options_say_their_default_and_their_unit(words):
    """A value has a name that is a unit or a kind, and its default is shown where there is one."""
    for option in ALL[words].params:
        if not isinstance(option, click.Option) or option.is_flag or option.multiple or option.hidden:
            continue
        shown = option.get_help_record(click.Context(ALL[words]))
        assert shown is not None
        left, right = shown
        assert right.strip(), option.opts
        assert not re.search(r" (TEXT|INTEGER|FLOAT|PATH)\b", left) or "[" in right, left
        if option.default and isinstance(option.default, str | int | float):
            assert "default" in right or "[" in right, left


@pytest.mark.parametrize("words", ALL)
def test_exit_codes_are_those_of_the_command(words):
    """Whatever code its module speaks of is on its page, with what it means."""
    module = COMMAND_MODULES[words.split()[0]]
    source = (SRC / "keyturn" / "cli" / f"{module.replace('.', '/')}.py").read_text("utf-8")
    spoken = {getattr(exit_codes, name) for name in re.findall(r"exit_codes\.(EXIT_[A-Z]+)", source)}
    pages = [
        set(help.HELP_PAGES[each].exit_codes) for each in ALL if COMMAND_MODULES[each.split()[0]] == module
    ]
    assert spoken - ALWAYS <= set().union(*pages)
    for code in help.HELP_PAGES[words].exit_codes:
        assert re.search(
            rf"^ +{code} +{re.escape(help.EXIT_CODE_MEANINGS[code])}$", text(words), re.MULTILINE
        )


def test_every_exit_code_has_a_meaning():
    """Those of every command are in one line, the others in the table."""
    known = {value for name, value in vars(exit_codes).items() if name.isupper()}
    always = {int(code) for code in re.findall(r"\d+", help.COMMON_EXIT_CODES)}
    assert always == ALWAYS
    assert set(help.EXIT_CODE_MEANINGS) | always == known


@pytest.mark.parametrize("words", ALL)
def test_what_is_near_is_there(words):
    """A command that is named exists, and so does a page."""
    for each in help.HELP_PAGES[words].see_also:
        assert each in ALL if not each.endswith(".md") else (ROOT / "docs" / each).is_file(), each


@pytest.mark.parametrize(("words", "line"), [(words, line) for words in ALL for line in examples(words)])
def test_every_example_is_a_command_line_that_there_is(words, line, tmp_path, monkeypatch):
    """It is parsed by the very command: each option and each choice in it exists."""
    monkeypatch.chdir(tmp_path)
    for name in ("plan.kt",):
        (tmp_path / name).touch()
    ran = list(calls(line))
    assert ran, f"{line} runs no keyturn"
    for each in ran:
        named = " ".join(each[:2]) if " ".join(each[:2]) in ALL else each[0]
        assert named in ALL
        rest = each[len(named.split()) :]
        ALL[named].make_context(named, rest, obj=False, resilient_parsing=False)
    assert any(" ".join(each).startswith(words.split()[0]) for each in ran)


def test_the_script_is_called_what_the_examples_call_it():
    """The name in every example is the one that an installation makes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "keyturn" in project["scripts"]


SCHEMAS = {
    "validate": "findings",
    "import": "import",
    "pull": "pull",
    "plan": "plan",
    "show": "plan",
    "apply": "report",
    "test": "test",
    "usage": "usage",
    "diff": "diff",
    "log": "log",
    "doctor": "doctor",
}
"""The schema of what a command prints with ``--format json``."""


def test_json_of_every_command_has_a_published_schema():
    """Whatever takes --format takes json, and what it prints then is described on the page of formats."""
    forms = {
        words: option.type.choices
        for words, command in ALL.items()
        for option in command.params
        if "--format" in option.opts
    }
    assert {words for words, choices in forms.items() if "json" in choices} == forms.keys() == SCHEMAS.keys()
    page = (ROOT / "docs" / "reference" / "json.md").read_text("utf-8")
    for name in SCHEMAS.values():
        assert (ROOT / "schemas" / f"{name}.schema.json").is_file()
        assert f"\n## {name}\n" in page
