"""Pages: every command runs and prints the output that the page shows."""

import re

import pytest

from keyturn.cli.main import COMMAND_MODULES
from page_commands import Command, Shell, list_mistakes, parse_steps, rewrite_page
from sources import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONSOLE_PAGES = [
    page for page in PAGES if any(isinstance(step, Command) for step in parse_steps(page.read_text("utf-8")))
]
SECRET = re.compile(r"echo (\S+) \| keyturn secret set")


@pytest.mark.parametrize("page", CONSOLE_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_print_the_shown_output(page, tmp_path, request):
    """All commands of a page run in order in one shell, against a real emulator."""
    text = page.read_text("utf-8")
    answers = Shell(tmp_path).run(text)
    if request.config.getoption("--rewrite-pages"):
        page.write_text(rewrite_page(text, answers), "utf-8")
    found = list(list_mistakes(answers))
    assert not found, "check the differences, then run with --rewrite-pages\n\n" + "\n\n".join(found)
    for secret in SECRET.findall(text):
        assert not [answer.command.text for answer in answers if secret in answer.text], secret


WITHOUT_PAGE = {
    "demo": "it runs in a folder of its own; tests/e2e/test_demo.py runs it to its end",
    "merge-file": "git runs it; tests/e2e/test_merge_file.py merges with it",
}
"""Commands that no page runs, each with the reason."""


def test_every_command_runs_on_a_page():
    """The pages show each command with its output."""
    ran = {
        name
        for page in CONSOLE_PAGES
        for step in parse_steps(page.read_text("utf-8"))
        if isinstance(step, Command) and step.shown
        for name in re.findall(r"\bkeyturn ([a-z]+)", step.text)
    }
    assert set(COMMAND_MODULES) - ran == set(WITHOUT_PAGE)
    assert list((ROOT / "tests" / "cli" / "demo").glob("test_*.py"))


SHELL_BLOCK = re.compile(r"^ *```(?:sh|bash|shell)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INSTALL_COMMANDS = ("pip install ", "git clone ", "make setup")
"""Commands that a page may show without a run: they need a package index or the URL of the repository."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_blocks_that_do_not_run_only_install(page):
    """Every other block of commands is a console block, whose output is compared."""
    lines = [
        line.strip() for block in SHELL_BLOCK.findall(page.read_text("utf-8")) for line in block.splitlines()
    ]
    assert [line for line in lines if line and not line.startswith(INSTALL_COMMANDS)] == []
