"""Pages: every command that a page shows is run, and answers what the page says."""

import re

import pytest

from console import Command, Shell, mistakes, rewritten, steps
from keyturn.cli.main import COMMAND_MODULES
from sources import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TOLD = [page for page in PAGES if any(isinstance(step, Command) for step in steps(page.read_text("utf-8")))]
SECRET = re.compile(r"echo (\S+) \| keyturn secret set")


@pytest.mark.parametrize("page", TOLD, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_answer_as_shown(page, tmp_path, request):
    """All commands of a page, one after the other in one shell, against a real emulator."""
    text = page.read_text("utf-8")
    answers = Shell(tmp_path).run(text)
    if request.config.getoption("--rewrite-pages"):
        page.write_text(rewritten(text, answers), "utf-8")
    found = list(mistakes(answers))
    assert not found, "look, then run with --rewrite-pages\n\n" + "\n\n".join(found)
    for secret in SECRET.findall(text):
        assert not [answer.command.text for answer in answers if secret in answer.text], secret


UNSHOWN = {
    "demo": "takes a minute and shows other commands: tests/cli/demo/test_scenario_story.py tells the whole of it"
}
"""Commands that no page runs, each with the reason."""


def test_every_command_is_run_on_some_page():
    """Whoever looks for a command finds a place where it is used and what it answers."""
    ran = {
        name
        for page in TOLD
        for step in steps(page.read_text("utf-8"))
        if isinstance(step, Command) and step.shown
        for name in re.findall(r"\bkeyturn ([a-z]+)", step.text)
    }
    assert set(COMMAND_MODULES) - ran == set(UNSHOWN)
    assert (ROOT / "tests" / "cli" / "test_story.py").is_file()


UNRUN = re.compile(r"^ *```(?:sh|bash|shell)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INSTALLING = ("pip install ", "git clone ", "make setup")
"""What a page may show without running it: it needs a package index, or this repository's own address."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_is_not_run_only_installs(page):
    """Every other block of commands is a console, whose answers are compared."""
    lines = [line.strip() for block in UNRUN.findall(page.read_text("utf-8")) for line in block.splitlines()]
    assert [line for line in lines if line and not line.startswith(INSTALLING)] == []
